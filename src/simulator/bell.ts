import type { Clock } from '../rollout/clock.ts'

/** Wakes a loop when something happened or its time has come. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or at once for a ring nobody heard, or after `ms`. False when the signal ended the wait. */
  wait(ms: number | undefined, signal: AbortSignal): Promise<boolean>
}

/** Sleeps; false when the signal ended the sleep. */
export const slept = async (clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> => {
  if (signal.aborted) return false
  try {
    await clock.sleep(ms, signal)
    return !signal.aborted
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

/** Why a wait is over; without a reason Node makes an exception, with its stack, for each of a test's hundred thousand waits. */
const heardIt = 'heard'

/** A silent bell. */
export const createBell = (clock: Clock): Bell => {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring: () => {
      rung = true
      wake?.()
    },
    wait: async (ms, signal) => {
      if (!rung && !signal.aborted) {
        // Not AbortSignal.any: in Node 20 each of those stays behind in a signal that lives long.
        const over = new AbortController()
        const end = (): void => over.abort(heardIt)
        signal.addEventListener('abort', end, { once: true })
        const heard = new Promise<void>((resolve) => {
          wake = resolve
          over.signal.addEventListener('abort', () => resolve(), { once: true })
        })
        await (ms === undefined ? heard : Promise.race([heard, slept(clock, ms, over.signal)]))
        over.abort(heardIt)
        signal.removeEventListener('abort', end)
        wake = undefined
      }
      rung = false
      return !signal.aborted
    },
  }
}
