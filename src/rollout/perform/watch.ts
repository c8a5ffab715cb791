import { judge } from '../../firewall/probes/judge.ts'
import type { Probe, ProbeResult } from '../../firewall/probes/probes.ts'
import type { Clock } from '../clock.ts'
import type { ProbeRunner } from '../ports.ts'
import { inTurn } from './in-turn.ts'

/** Pause between two rounds, in milliseconds. */
const pauseMs = 300
/** A round's patience once it is known how long green ones take, four times the slowest of the last few: neither a slow way to the cluster nor a machine that stalls is a loss. */
const patienceMs = { least: 600, most: 2_000 } as const
const remembered = 10
/** A second look has at least this long, in milliseconds: who is only late for once has time to say so. */
const secondLookMs = 1_000
/** Kubelets, and ports that stay open, asked in one round each; the rest have their turn in the next ones. */
const share = 16

/** What the watcher works with; what changes while it runs is asked for anew each round. */
export interface Watch {
  readonly prober: ProbeRunner
  readonly clock: Clock
  readonly probes: readonly Probe[]
  readonly baseline: () => readonly ProbeResult[]
  readonly closedNodes: () => readonly string[]
  readonly since: () => Date
  readonly signal: AbortSignal
  /** Told once, with the sentence of the first loss that was seen twice. */
  readonly red: (sentence: string, error?: unknown) => void
}

/**
 * Keeps the life lines under fresh connections beside whatever step is being done: the operator's ways to the API, to SSH on closed nodes and to what the
 * file leaves open, and the API's way to the kubelets of closed nodes. A loss seen in two rounds one after the other is told at once, and the watch ends.
 */
export const watchLifeLines = async (watch: Watch): Promise<void> => {
  const { prober, clock, signal } = watch
  const wasOk = new Set(
    watch
      .baseline()
      .filter(({ outcome }) => outcome === 'ok')
      .map(({ id }) => id),
  )
  const lines = watch.probes.filter(({ id, expect }) => expect === 'open' && wasOk.has(id))
  const green: number[] = []
  let patience: number = patienceMs.most
  const lost = async (probes: readonly Probe[], timeoutMs: number): Promise<{ readonly probe: Probe; readonly sentence: string }[]> => {
    const results = await prober.run(probes, { since: watch.since(), timeoutMs, signal })
    return [...judge({ probes, baseline: watch.baseline(), results, closedNodes: [] }).red]
  }
  try {
    for (let round = 0; !signal.aborted; round++) {
      const asked = linesOf(lines, new Set(watch.closedNodes()), round)
      if (asked.length > 0) {
        const begun = clock.now()
        const red = await lost(asked, patience)
        const again =
          red.length === 0
            ? []
            : await lost(
                red.map(({ probe }) => probe),
                Math.max(patience, secondLookMs),
              )
        const [first] = again
        if (first !== undefined) return watch.red(first.sentence)
        // A round lost once and green at the second try took its time, too.
        green.push(clock.now() - begun)
        if (green.length > remembered) green.shift()
        patience = Math.min(patienceMs.most, Math.max(patienceMs.least, Math.round(4 * Math.max(...green))))
      }
      await clock.sleep(pauseMs, signal)
    }
  } catch (error) {
    // Not being able to watch is no reason to believe that all is well.
    if (!signal.aborted) watch.red('the lifelines cannot be watched any more', error)
  }
}

const linesOf = (lines: readonly Probe[], closed: ReadonlySet<string>, round: number): Probe[] => {
  const toApi = lines.filter(({ target }) => target.kind === 'kubeconfig' || target.kind === 'api')
  const kubelets = lines.filter(({ target }) => target.kind === 'kubelet' && closed.has(target.node))
  const ports = lines.filter(({ target, node }) => target.kind === 'tcp' && (node === undefined || closed.has(node)))
  return [...toApi, ...inTurn(kubelets, round, share), ...inTurn(ports, round, share)]
}
