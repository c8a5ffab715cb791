import type { Clock } from './rollout/clock.ts'

/** What a machine's clocks say. */
export interface Readings {
  /** Milliseconds on a clock that never goes back. On Linux it stands still while the machine is suspended. */
  readonly steady: () => number
  /** Milliseconds since the machine was started, time in which it was suspended included; coarse is fine. */
  readonly sinceBoot: () => number
  readonly wall: () => Date
  readonly sleep: Clock['sleep']
}

/** Differences between the two clocks below this, in milliseconds, are their grain and no sleep. */
const grainMs = 1_500
/** Longest nap, in milliseconds: timers stand still with the machine, so who wakes up looks at the time anew at least this often. */
const napMs = 1_000

/**
 * A clock that has gone on while the laptop slept. The cluster's deadlines did not stop meanwhile: a client that wakes up must not believe that the gate, or
 * its lock, still holds.
 */
export const systemClock = ({ steady, sinceBoot, wall, sleep }: Readings): Clock => {
  const apart = (): number => sinceBoot() - steady()
  const origin = apart()
  let slept = 0
  const now = (): number => {
    const more = apart() - origin - slept
    if (more > grainMs) slept += more
    return steady() + slept
  }
  return {
    now,
    wall,
    sleep: async (ms, signal) => {
      const until = now() + ms
      // Timers may fire early, by a millisecond: what was to be waited for is over when the clock says so.
      do await sleep(Math.min(napMs, Math.max(0, until - now())), signal)
      while (now() < until)
    },
  }
}
