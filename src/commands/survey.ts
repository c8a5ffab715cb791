import { detectCalico } from '../cluster/detect-calico.ts'
import { refusals } from '../cluster/refusals.ts'
import { requiredKinds } from '../discovery/calico-objects.ts'
import { createReader } from '../discovery/reader.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { understood } from '../firewall/facts/understood.ts'
import type { Notice } from '../firewall/plan/plan.ts'
import { readSituation, type Situation } from '../rollout/situation.ts'
import { waiting } from '../ui/wait.ts'
import { clusterNotices } from './cluster-notices.ts'
import { clusterLine } from './cluster-words.ts'
import type { CommandContext, FactsOptions } from './context.ts'

/** What `init` and `plan` know before they decide anything. */
export interface Survey {
  readonly facts: Facts
  readonly situation: Situation
  /** What to know about the cluster itself. */
  readonly notices: readonly Notice[]
}

/**
 * Reads the cluster, and refuses one this tool cannot work with. Who is about to write anyway may have it start short pods to look from.
 * @throws FwError FW_UNSUPPORTED and whatever reading meets
 */
export const survey = async ({ cluster, context, printer }: CommandContext, options: FactsOptions = {}): Promise<Survey> => {
  printer.talk(clusterLine(cluster))
  return waiting({ stderr: context.stderr, env: context.workstation.env }, 'Looking at the cluster', async () => {
    // What is forbidden here is named by the facts below.
    const detected = await understood(() => detectCalico(createReader(cluster.api, requiredKinds, { timeoutMs: 10_000 }).api))
    const refusal = refusals(detected)
    if (refusal !== undefined) throw refusal
    const facts = await cluster.facts(options)
    const situation = await readSituation(cluster.api, facts.calico.flavour)
    return { facts, situation, notices: clusterNotices(detected, facts) }
  })
}
