import type { Clock } from '../rollout/clock.ts'

/** How long a sleeper naps before it looks at the time again, and the most that counts between two looks, in milliseconds of the clock this one is made of. */
const [napMs, mostUnseenMs] = [50, 100]

/**
 * A clock that runs `factor` times as fast as another: for tests and demos over real sockets. Its steps are no finer than the factor in milliseconds. Time in which
 * this process was given no processor does not count: the cluster and whoever works on it live in the same process, and neither could have done anything.
 */
export const acceleratedClock = (base: Clock, factor: number): Clock => {
  const [origin, date] = [base.now(), base.wall().getTime()]
  let [seen, passed] = [origin, 0]
  const look = (): number => {
    const now = base.now()
    passed += Math.min(mostUnseenMs, now - seen) * factor
    seen = now
    return passed
  }
  return {
    now: () => origin + look(),
    wall: () => new Date(date + look()),
    sleep: async (ms, signal) => {
      const due = look() + ms
      for (let left = ms; ; left = due - passed) {
        await base.sleep(Math.min(napMs, Math.max(0, left) / factor), signal)
        if (look() >= due) return
      }
    },
  }
}
