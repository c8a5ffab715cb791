import { judge } from '../../firewall/probes/judge.ts'
import type { Probe, ProbeResult } from '../../firewall/probes/probes.ts'
import type { RolloutPorts } from '../ports.ts'

/** What the watch from the nodes works with. */
export interface NodeWatch {
  readonly follow: NonNullable<RolloutPorts['follow']>
  readonly probes: readonly Probe[]
  readonly baseline: readonly ProbeResult[]
  readonly signal: AbortSignal
  /** Told once, with the sentence of the first loss that was seen twice. */
  readonly red: (sentence: string) => void
}

/** Lost attempts one after the other that make a loss: one lost packet is none. */
const lossesThatCount = 2

/** Keeps the nodes' own ways, to each other, to the API, Typha and DNS, under fresh connections beside whatever step is being done. */
export const watchFromNodes = async ({ follow, probes, baseline, signal, red }: NodeWatch): Promise<void> => {
  const wasOk = new Set(baseline.flatMap(({ id, outcome }) => (outcome === 'ok' ? [id] : [])))
  const lines = probes.filter(({ id, target }) => target.kind === 'node-tcp' && wasOk.has(id))
  const losses = new Map<string, number>()
  const over = new AbortController()
  const each = (result: ProbeResult): void => {
    if (over.signal.aborted || result.outcome === 'not-run') return
    const lost = result.outcome === 'ok' ? 0 : (losses.get(result.id) ?? 0) + 1
    losses.set(result.id, lost)
    if (lost < lossesThatCount) return
    const { red: findings } = judge({ probes: lines.filter(({ id }) => id === result.id), baseline, results: [result], closedNodes: [] })
    over.abort()
    red(findings[0]?.sentence ?? result.id)
  }
  if (lines.length > 0) await follow(lines, each, AbortSignal.any([signal, over.signal]))
}
