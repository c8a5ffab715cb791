import { isOurs } from '../calico/names.ts'
import { FwError } from '../errors.ts'
import type { ExitCode } from '../exit-codes.ts'
import { runOf } from '../firewall/facts/standing.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import { denyPolicy } from '../firewall/objects/deny-policy.ts'
import { openSet } from '../firewall/objects/network-sets.ts'
import { makePlan } from '../firewall/plan/plan-maker.ts'
import { confirmSteps, finishOfTrial, nothingToFinish } from '../rollout/confirm-steps.ts'
import { nextNumber, readSituation } from '../rollout/situation.ts'
import type { RunConfig } from '../rollout/state.ts'
import { keptText } from '../ui/outcome-text.ts'
import { unfinishedAdoption, unfinishedTrial } from '../ui/status-text.ts'
import { themeFor } from '../ui/theme.ts'
import { clusterLine } from './cluster-words.ts'
import type { CommandContext } from './context.ts'
import { lapseOf } from './lapse-of.ts'
import { defaultWindowSeconds, fewLooks, runLimits } from './run-limits.ts'
import { exitCodeOf, runSteps } from './run-steps.ts'

/** Keeps a trial another client left, after the same probes and checks `init` makes itself. */
export const run = async (command: CommandContext, options: { readonly yes: boolean; readonly takeOver: boolean }): Promise<ExitCode> => {
  const { cluster, printer } = command
  printer.talk(clusterLine(cluster))
  const facts = await cluster.facts({ looks: fewLooks })
  const situation = await readSituation(cluster.api, facts.calico.flavour)
  const gate = situation.gates.find(({ armed }) => armed)
  if (gate === undefined) {
    throw new FwError('FW_GATE', 'nothing is on trial', {
      why:
        situation.unfinished.length > 0
          ? `change ${situation.unfinished.join(', ')} is not kept: its deadline has passed, and what it closed opened by itself`
          : 'no gate is armed in this cluster',
      fix: situation.unfinished.length > 0 ? 'take it back: kubectl calico-fw rollback, then run the change again' : 'see: kubectl calico-fw status',
    })
  }
  const closedNodes = situation.hostEndpoints.filter((one) => runOf(one) === gate.change).map(({ spec }) => spec.node)
  if (closedNodes.length === 0) {
    throw new FwError('FW_GATE', `change ${gate.change} cannot be kept by confirm`, {
      why: 'no node is closed by it: its client stopped before it closed one, or it takes openings back, which only the run that does so can keep',
      fix: 'take an init back, or go on with a rollback: kubectl calico-fw rollback',
    })
  }
  const saved = parseHostFirewall(situation.firewall ?? '', 'ConfigMap calico-fw/host-firewall')
  const plan = makePlan({ firewall: saved, facts, change: gate.change, windowSeconds: defaultWindowSeconds })
  const [own] = facts.felixConfigurations.filter((one) => one.metadata.name.startsWith('node.') && isOurs(one))
  if (own !== undefined) {
    throw new FwError('FW_GATE', `change ${gate.change} cannot be kept by confirm`, {
      why: `its client stopped while failsafes got narrower: FelixConfiguration ${own.metadata.name} is for one node alone`,
      fix: 'take it back: kubectl calico-fw rollback',
    })
  }
  const config: RunConfig = {
    change: gate.change,
    windowSeconds: defaultWindowSeconds,
    ...runLimits(command.context),
    openSet: openSet(facts.calico.flavour),
    opened: situation.opened,
    isRollback: false,
  }
  const deny = denyPolicy([...situation.committed, gate.change])
  const lapse = lapseOf(situation)
  const over = lapse === 'another'
  const finish = over ? nothingToFinish : finishOfTrial(plan, situation)
  const steps = confirmSteps({
    ...{ change: gate.change, number: nextNumber(situation, gate.change), deny, gate: gate.objects, closedNodes },
    finish: finish ?? nothingToFinish,
  })
  const outcome = await runSteps(command, { steps, config, subject: { facts, probes: plan.probes }, lapse, ...options })
  if (outcome.kind === 'done') printer.talk(keptText(gate.change, themeFor(command.context.stderr, command.context.workstation.env)))
  if (outcome.kind === 'done' && over) for (const sentence of unfinishedAdoption) printer.talk(sentence)
  if (outcome.kind === 'done' && finish === undefined) for (const sentence of unfinishedTrial) printer.talk(sentence)
  printer.document('Confirmation', { change: gate.change, outcome: outcome.kind })
  return exitCodeOf(outcome, lapse)
}
