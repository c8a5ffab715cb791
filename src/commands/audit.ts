import { readFlows } from '../discovery/read-flows.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import { type Flow, flowKey } from '../firewall/facts/flows.ts'
import { audit } from '../proof/audit.ts'
import { auditText } from '../ui/audit-text.ts'
import { waiting } from '../ui/wait.ts'
import type { CommandContext } from './context.ts'
import { plannedFirewall } from './plan.ts'
import { prepare } from './prepare.ts'
import { survey } from './survey.ts'
import { checkOptions, type FirewallOptions } from './wanted-firewall.ts'

/** Ended TCP connections stay in a node's memory for two minutes, UDP for half of one: a look every ten seconds misses none that was answered. */
const everyMs = 10_000
/** One node's table, which may be long. */
const lookMs = 20_000

/** Looks at real connections for a while, and tells which of them the firewall would cut. Writes nothing. Exit 1 where that is any. */
export const run = async (command: CommandContext, options: FirewallOptions & { readonly seconds: number }): Promise<ExitCode> => {
  const { printer, cluster, context } = command
  checkOptions(command, options)
  const { runInPod } = cluster
  const found = await survey(command)
  if (runInPod === undefined) throw new FwError('FW_UNSEEN', 'nobody can look into these nodes', { fix: 'run it against a real cluster' })
  const { firewall } = await plannedFirewall(command, options, found)
  const { plan } = await prepare(command, found, firewall, options)
  const nodes = found.facts.nodes.filter(({ operatingSystem, ready, calicoNode }) => operatingSystem === 'linux' && ready && calicoNode !== undefined)
  const flows = new Map<string, Flow>()
  const unseen = new Map<string, string>()
  const look = async (node: NodeFacts): Promise<void> => {
    try {
      for (const flow of await readFlows(node, runInPod, { timeoutMs: lookMs })) flows.set(flowKey(flow), flow)
    } catch (error) {
      if (!(error instanceof FwError)) throw error
      unseen.set(node.name, error.message)
    }
  }
  const { clock } = context
  const until = clock.now() + options.seconds * 1_000
  const watch = async (): Promise<void> => {
    for (;;) {
      await Promise.all(nodes.map(look))
      const left = until - clock.now()
      if (left <= 0) return
      await clock.sleep(Math.min(everyMs, left))
    }
  }
  await waiting({ stderr: context.stderr, env: context.workstation.env }, `Watching connections for ${options.seconds} s`, watch)
  if (unseen.size === nodes.length)
    throw new FwError('FW_UNSEEN', 'no node shows its connections', {
      why: [...unseen.values()][0] ?? 'no node has a calico-node pod',
      fix: 'have create pods/exec in its namespace granted',
    })
  const result = audit(found.facts, plan, [...flows.values()])
  for (const [node, why] of unseen) printer.talk(`note: ${node} was not watched: ${why}`)
  printer.data(auditText(result, { seconds: options.seconds, nodes: nodes.length - unseen.size }))
  printer.document('Audit', { seconds: options.seconds, nodes: nodes.length - unseen.size, unseen: Object.fromEntries(unseen), ...result })
  return result.cut.length === 0 ? exitCodes.ok : exitCodes.failure
}
