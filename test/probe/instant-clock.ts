import type { Clock } from '../../src/rollout/clock.ts'

/** A clock on which sleeping passes the time at once. */
export interface InstantClock extends Clock {
  advance(ms: number): void
}

/** Starts at a fixed date; the monotonic zero is another, as in life. */
export const instantClock = (): InstantClock => {
  let passed = 0
  return {
    now: () => 5_000_000 + passed,
    wall: () => new Date(Date.UTC(2026, 10, 23, 8) + passed),
    advance: (ms) => {
      passed += ms
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      passed += ms
    },
  }
}
