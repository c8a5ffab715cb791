import type { Clock } from '../../rollout/clock.ts'
import { createBarrier } from '../barrier.ts'
import { slept } from '../bell.ts'

/** A node agent's connection to the API server. It outlives every closed port (conntrack); a new one must pass the firewall. */
export interface Link {
  readonly connected: boolean
  /** Resolves when the agent is connected, at once if it is. */
  whenConnected(): Promise<void>
  /** Cuts the connection; the agent dials again every second. */
  drop(): void
}

const redialMs = 1000

/** A connected link that dials by `mayConnect` when it is cut. */
export const createLink = (clock: Clock, mayConnect: () => boolean, signal: AbortSignal, onBug: (error: unknown) => void): Link => {
  const barrier = createBarrier()
  const redial = async (): Promise<void> => {
    while (!mayConnect()) if (!(await slept(clock, redialMs, signal))) return
    barrier.open()
  }
  return {
    get connected() {
      return !barrier.closed
    },
    whenConnected: barrier.passed,
    drop: () => {
      if (barrier.closed) return
      barrier.close()
      redial().catch(onBug)
    },
  }
}
