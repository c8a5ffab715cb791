import { FwError } from '../../errors.ts'
import { greenOf, type Judgement, judge } from '../../firewall/probes/judge.ts'
import type { Probe, ProbeResult } from '../../firewall/probes/probes.ts'
import type { RoundOptions } from '../ports.ts'
import type { ProbeScope } from '../steps.ts'
import type { PerformContext, RunMemory } from './context.ts'
import { inTurn } from './in-turn.ts'

/** How long a port that must close may still answer: Felix programmed every change within 1.6 s when idle. */
const closesWithinMs = 20_000
/** One probe's patience, in milliseconds. */
const probeTimeoutMs = 2_000
/** Probes of one expectation in one round that are not owed: 256 that stay silent are waited for at once, so it lasts seconds, whatever the cluster's size. */
const mostAtOnce = 1_024
/** So many of no node, VIPs among them, are asked each time, and so many take their turn however much is owed. */
const leastShare = 256
/** The second look's patience: a red probe opens the cluster, so it is looked at twice, but quickly. */
const secondLookMs = 1_000

/** Answers of before the first write. Closed probes are asked too: a port that was silent before proves nothing when it is silent after. */
export const baseline = async (context: PerformContext, assume: boolean): Promise<void> => {
  if (assume) {
    context.memory.baseline = context.subject.probes.map(({ id }) => ({ id, outcome: 'ok' }))
    return
  }
  context.memory.baseline = await run(context, context.subject.probes, probeTimeoutMs)
  const judgement = judge({ probes: context.subject.probes, baseline: context.memory.baseline, results: context.memory.baseline, closedNodes: [] })
  context.ports.report({ kind: 'probes', judgement, of: context.subject.probes.length })
}

/**
 * One way to the API must answer a new connection now, or its silence later would prove nothing: then a rollout that cuts the operator off looks green to the end.
 * @throws FwError FW_PREFLIGHT
 */
export const seeWayToApi = ({ subject, memory }: PerformContext): void => {
  const ways = subject.probes.filter(({ target }) => target.kind === 'kubeconfig' || target.kind === 'api')
  const outcomes = new Map(memory.baseline.map(({ id, outcome }) => [id, outcome]))
  if (ways.length === 0 || ways.some(({ id }) => outcomes.get(id) === 'ok')) return
  throw new FwError('FW_PREFLIGHT', 'no new connection to the API answers', {
    why: `not one of ${ways.map(({ title }) => title).join(', ')}; whether you are cut off could not be seen`,
    fix: 'kubectl get --raw /readyz must answer; where a tunnel or proxy stands between, mend it first',
  })
}

/**
 * Everything that worked works, and everything that must be closed is seen closed, which is waited for. What must stay open is asked at once and again when the
 * closing is seen: rules not in force yet prove nothing, and the word on a lost connection must not wait for them. Heartbeats of the nodes that were closed come
 * last: they take up to a Lease's renewal.
 * @throws FwError FW_PREFLIGHT naming the first red probe
 */
export const probe = async (context: PerformContext, scope: ProbeScope): Promise<void> => {
  const { probes } = context.subject
  const { memory } = context
  const closed = new Set(scope.closedNodes)
  const quick = chosen(
    memory,
    probes.filter((one) => one.expect === 'open' && !isHeartbeat(one)),
  )
  const closing = chosen(
    memory,
    probes.filter((one) => one.expect === 'closed' && (one.node === undefined || closed.has(one.node))),
  )
  const heartbeats = probes.filter((one) => isHeartbeat(one) && closed.has(one.target.node))
  const [, silent] = closed.size > 0 ? await Promise.all([round(context, quick, scope), round(context, closing, scope)]) : []
  const open = await round(context, quick, scope)
  memory.green = open + (silent ?? 0) + (await round(context, heartbeats, scope))
  memory.rounds++
  for (const { id } of [...quick, ...closing, ...heartbeats]) memory.owed.delete(id)
}

/**
 * What belongs to no node is asked each time, and everything that is owed: 5,000 nodes that close in one write take a minute, a batch some seconds. The rest takes
 * turns. Where there are few that is all of them.
 */
const chosen = ({ owed, rounds }: RunMemory, probes: readonly Probe[]): Probe[] => {
  if (probes.length <= mostAtOnce) return [...probes]
  const due = probes.filter(({ id }) => owed.has(id))
  const rest = probes.filter(({ id }) => !owed.has(id))
  const common = rest.filter((one) => nodeOf(one) === undefined).slice(0, leastShare)
  return [...common, ...due, ...inTurn(without(rest, common), rounds, Math.max(leastShare, mostAtOnce - due.length))]
}

const without = (probes: readonly Probe[], some: readonly Probe[]): Probe[] => {
  const left = new Set(some)
  return probes.filter((one) => !left.has(one))
}

const nodeOf = ({ node, target }: Probe): string | undefined => node ?? ('node' in target ? target.node : undefined)

/** What is done now concerns these nodes, all of them without: what was seen of them before says nothing any more, and the next look asks them whole. */
export const owe = ({ subject, memory }: PerformContext, concerned?: readonly string[]): void => {
  const nodes = new Set(concerned)
  for (const one of subject.probes) {
    const node = nodeOf(one)
    if (node !== undefined && (concerned === undefined || nodes.has(node))) memory.owed.add(one.id)
  }
}

const isHeartbeat = (one: Probe): one is Probe & { target: { kind: 'node-lease'; node: string } } => one.target.kind === 'node-lease'

/** A lost open probe is looked at once more, then fails at once; closed ones are asked until they are silent. Answers how many of them are green. */
const round = async (context: PerformContext, probes: readonly Probe[], { closedNodes }: ProbeScope): Promise<number> => {
  if (probes.length === 0) return 0
  const { baseline } = context.memory
  const results = await run(context, probes, probeTimeoutMs, { settle: { nodes: closedNodes, ms: closesWithinMs } })
  const judgement = judge({ probes, baseline, results, closedNodes })
  context.ports.report({ kind: 'probes', judgement, of: probes.length })
  if (judgement.green) return greenOf(judgement, probes.length)
  const lost = judgement.red.filter((finding) => finding.probe.expect === 'open').map((finding) => finding.probe)
  if (lost.length < judgement.red.length) throw red(judgement)
  const again = await run(context, lost, secondLookMs)
  const still = judge({ probes: lost, baseline, results: again, closedNodes: [] })
  if (!still.green) throw red(still)
  return greenOf({ ...judgement, red: [] }, probes.length)
}

const run = (
  context: PerformContext,
  probes: readonly Probe[],
  timeoutMs: number,
  more: Pick<RoundOptions, 'settle'> = {},
): Promise<ProbeResult[]> =>
  probes.length === 0
    ? Promise.resolve([])
    : context.ports.prober.run(probes, { signal: context.signal, since: context.memory.since, timeoutMs, ...more })

const red = (judgement: Judgement): FwError => {
  const [first, ...more] = judgement.red
  return new FwError('FW_PREFLIGHT', first?.sentence ?? 'a probe is red', {
    why:
      more.length === 0
        ? 'it worked before this change'
        : `and ${more.length} more: ${more
            .slice(0, 3)
            .map(({ probe }) => probe.title)
            .join(', ')}`,
  })
}
