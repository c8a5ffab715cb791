import type { Clock } from '../clock.ts'
import type { Realised, RolloutPorts } from '../ports.ts'
import { isStuck } from './realised.ts'

/** Pause between two rounds, in milliseconds; where one does badly the next look comes sooner. */
const pauseMs = { well: 1_000, ill: 300 } as const
/** A Felix may be not ready for a moment, while it reads the cluster anew. */
const notReadyForMs = 6_000

/** What the watch over Felixes works with. */
export interface FelixWatch {
  readonly felixes: NonNullable<RolloutPorts['felixes']>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Told once, of the first Felix seen in trouble that no waiting mends. */
  readonly red: (seen: Realised) => void
}

/**
 * Looks at the Felixes for as long as something is closed by the gate alone: on a node whose Felix does nothing, neither closing nor opening arrives. One
 * that was seen stopped, crashing, down or cut off twice is told at once, and the watch ends. That nobody can look is the business of whoever probes.
 */
export const watchFelixes = async ({ felixes, clock, signal, red }: FelixWatch): Promise<void> => {
  const ill = new Map<string, { readonly since: number; readonly stuck: boolean }>()
  while (!signal.aborted) {
    for (const seen of await felixes(signal).catch((): Realised[] => [])) {
      const before = ill.get(seen.node)
      const stuck = isStuck(seen)
      if (stuck && before?.stuck === true) return red(seen)
      if (seen.state === 'not-ready' && before !== undefined && clock.now() - before.since >= notReadyForMs) return red(seen)
      if (stuck || seen.state === 'not-ready') ill.set(seen.node, { since: before?.since ?? clock.now(), stuck })
      else ill.delete(seen.node)
    }
    await clock.sleep(ill.size > 0 ? pauseMs.ill : pauseMs.well, signal).catch(() => undefined)
  }
}
