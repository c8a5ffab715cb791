import type { Clock } from '../rollout/clock.ts'

/** A clock whose time passes only when it is told to, or when nothing else is left to do. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass, waking every sleeper in its turn. */
  advance(ms: number): Promise<void>
  /** Lets time pass, from sleeper to sleeper, until the work is done. */
  drive<Result>(work: Promise<Result>): Promise<Result>
  /** Time stands still until the answer is called: for work the clock cannot see, such as files. */
  hold(): () => void
}

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** Turns of the event loop without a sign of life after which nothing is taken to be under way. */
const quietTurns = 3

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Virtual time for tests: hours pass in the time the work itself takes, and the same run gives the same times. `activity` is any number that
 * changes while sockets carry data; without sockets nothing is needed.
 */
export const virtualClock = ({
  start = new Date(Date.UTC(2026, 10, 23, 8)),
  activity = () => 0,
}: {
  start?: Date
  activity?: () => number
} = {}): VirtualClock => {
  let now = 0
  let holds = 0
  const sleepers = new Set<Sleeper>()

  const settle = async (): Promise<void> => {
    let seen = activity()
    for (let quiet = 0; quiet < quietTurns; ) {
      await nextTurn()
      const sign = activity()
      quiet = holds > 0 || sign !== seen ? 0 : quiet + 1
      seen = sign
    }
  }
  const first = (): Sleeper | undefined => {
    let soonest: Sleeper | undefined
    for (const sleeper of sleepers) if (soonest === undefined || sleeper.due < soonest.due) soonest = sleeper
    return soonest
  }
  /** Wakes the next sleeper that is due by then; false when there is none. */
  const step = (until: number): boolean => {
    const sleeper = first()
    if (sleeper === undefined || sleeper.due > until) return false
    sleepers.delete(sleeper)
    now = Math.max(now, sleeper.due)
    sleeper.wake()
    return true
  }
  return {
    now: () => now,
    wall: () => new Date(start.getTime() + now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const end = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          due: now + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', end)
            resolve()
          },
        }
        signal?.addEventListener('abort', end, { once: true })
        sleepers.add(sleeper)
      }),
    advance: async (ms) => {
      const until = now + ms
      do await settle()
      while (step(until))
      now = until
    },
    drive: async (work) => {
      let done = false
      const end = (): void => {
        done = true
      }
      work.then(end, end)
      while (!done) {
        await settle()
        if (!done) step(Number.POSITIVE_INFINITY)
      }
      return work
    },
    hold: () => {
      holds++
      let held = true
      return () => {
        if (held) holds--
        held = false
      }
    },
  }
}
