import type { LabObject } from '../cluster/api.ts'
import { toolWrites } from '../cluster/audit.ts'
import { calicoApiVersion } from '../cluster/crds.ts'
import { calicoNamespace } from '../cluster/seed.ts'
import type { Lab } from '../lab.ts'
import type { Cut } from '../packets/cuts.ts'
import { type LifeLine, lineId, watchLifeLines } from '../packets/life-lines.ts'
import { startTool, type ToolEnd, tail } from '../tool.ts'
import { closable } from './home-answers.ts'
import { denyEverything, isOpening } from './hostile-policies.ts'
import { type Page, seconds } from './page.ts'
import { proveAllOpen } from './undone.ts'

/** From the first lost packet of a life line: until the product opens, and until everything is open again. */
const bounds = { openedMs: 2_000, allOpenMs: 5_000 } as const

/** A life line that somebody cuts while nodes are closed. */
interface Fault {
  readonly story: string
  readonly line: LifeLine
  /** Cuts it; what the product does not undo itself is taken away by what this returns. */
  readonly cut: () => Promise<() => Promise<void>>
}

/** What one run came to, in milliseconds from the first lost packet. */
interface Reaction {
  readonly story: string
  readonly openedMs: number | undefined
  readonly allOpenMs: number | undefined
  readonly exit: number | null
  /** What the product said it was. */
  readonly said: string
}

const kubeletOf = (lab: Lab, from: string, to: string): LifeLine => ({
  from,
  target: { protocol: 'tcp', host: lab.node(to).address, port: 10250 },
})

const planted = (lab: Lab, story: string, line: LifeLine, policy: LabObject): Fault => ({
  ...{ story, line },
  cut: async () => {
    await lab.api.apply(policy)
    return async () => void (await lab.api.delete({ apiVersion: policy.apiVersion, kind: policy.kind, name: policy.metadata.name }))
  },
})

/** By one's own firewall, by somebody else's policy against everybody, and by one against a single node that only this node can see. */
const faults = (lab: Lab): readonly Fault[] => {
  const { flavour } = lab.variant
  const apiVersion = calicoApiVersion(flavour)
  const deny = denyEverything(lab)
  const [ws1 = ''] = lab.layout.nodes.filter(({ name }) => name === 'ws1').map(({ address }) => address)
  const [ws2 = ''] = lab.layout.nodes.filter(({ name }) => name === 'ws2').map(({ address }) => address)
  return [
    {
      story: 'the sets of nodes are emptied: our own gate cuts the API server from the kubelet of ws1',
      line: kubeletOf(lab, 'control1', 'ws1'),
      cut: async () => {
        await lab.api.delete({ apiVersion: 'v1', kind: 'Service', namespace: calicoNamespace, name: 'calico-fw-nodes' })
        await lab.api.patch({ apiVersion, kind: 'GlobalNetworkSet', name: 'calico-fw-nodes' }, { spec: { nets: [] } })
        return async () => undefined
      },
    },
    planted(lab, "somebody's Deny for everybody, before everything of ours", kubeletOf(lab, 'control1', 'ws1'), deny),
    planted(lab, "somebody's Deny between two nodes alone: from ws2 to the kubelet of ws1", kubeletOf(lab, 'ws2', 'ws1'), {
      ...deny,
      metadata: { name: 'no-neighbours' },
      spec: {
        ...(deny['spec'] as object),
        ingress: [
          { action: 'Deny', protocol: 'TCP', source: { nets: [`${ws2}/32`] }, destination: { nets: [`${ws1}/32`], ports: [10250] } },
          { action: 'Allow' },
        ],
      },
    }),
  ]
}

/** The reaction to as many faults as asked, one run each, the kinds in turn; each run is undone to the end. */
export const proveReactions = async (lab: Lab, page: Page, runs: number): Promise<void> => {
  const all = faults(lab)
  const seen: Reaction[] = []
  for (let at = 0; at < runs; at++) {
    const fault = all[at % all.length]
    if (fault === undefined) break
    const reaction = await reactionTo(lab, fault)
    seen.push(reaction)
    page.say(
      `${String(at + 1).padStart(3)}  ${inSeconds(reaction.openedMs)}  ${inSeconds(reaction.allOpenMs)}  exit ${reaction.exit}  ${fault.story}\n       ${reaction.said}`,
    )
  }
  const p95 = (of: (one: Reaction) => number | undefined): number =>
    percentile(
      seen.map((one) => of(one) ?? Number.POSITIVE_INFINITY),
      0.95,
    )
  const [opened, open] = [p95(({ openedMs }) => openedMs), p95(({ allOpenMs }) => allOpenMs)]
  const spread = (of: (one: Reaction) => number | undefined): string => {
    const known = seen.map((one) => of(one) ?? Number.POSITIVE_INFINITY)
    return `p50 ${seconds(percentile(known, 0.5))}, p95 ${seconds(percentile(known, 0.95))}, longest ${seconds(Math.max(...known))} of ${known.length} runs`
  }
  page.fact(
    `a life line cut: opened within ${seconds(bounds.openedMs)} (p95)`,
    opened <= bounds.openedMs,
    spread(({ openedMs }) => openedMs),
  )
  page.fact(
    `a life line cut: everything open within ${seconds(bounds.allOpenMs)} (p95)`,
    open <= bounds.allOpenMs,
    spread(({ allOpenMs }) => allOpenMs),
  )
  page.fact(
    'every run took the change back and exits 4',
    seen.every(({ exit }) => exit === 4),
    `${seen.filter(({ exit }) => exit === 4).length} of ${seen.length}`,
  )
  await proveAllOpen(lab, page)
}

/** The nearest rank: of 20 the 19th for 0.95. */
const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

const inSeconds = (ms: number | undefined): string => (ms === undefined ? '  never' : seconds(ms).padStart(7))

const reactionTo = async (lab: Lab, { story, line, cut }: Fault): Promise<Reaction> => {
  const watching = await watchLifeLines(lab, [line, ...closable(lab)], { everyMs: 50, timeoutMs: 900 })
  const run = startTool(lab, ['init', '-f', 'examples/home.yaml', '--yes'])
  await run.seen('probe with worker ws1')
  const heal = await cut()
  try {
    const end = await run.ended
    const { cuts } = await watching.stop()
    return reactionIn(lab, { story, end, line, cuts })
  } finally {
    await heal()
  }
}

interface Seen {
  readonly story: string
  readonly end: ToolEnd
  readonly line: LifeLine
  readonly cuts: readonly Cut[]
}

const reactionIn = (lab: Lab, { story, end, line, cuts }: Seen): Reaction => {
  const from = cuts.find(({ id }) => id === lineId(line))?.from
  const said = end.lines.find(({ text }) => /before and .* now|a Felix does not|not as it was/.test(text))?.text.trim() ?? tail(end.lines, 3)
  if (from === undefined) return { story, openedMs: undefined, allOpenMs: undefined, exit: end.code, said: `the line was never cut; ${said}` }
  const opening = toolWrites(lab.state, end.began).find((write) => isOpening(write) && write.at >= from)
  const shut = cuts.some(({ to }) => to === undefined)
  return {
    story,
    openedMs: opening === undefined ? undefined : opening.at - from,
    allOpenMs: shut ? undefined : Math.max(...cuts.map(({ to = from }) => to)) - from,
    exit: end.code,
    said,
  }
}
