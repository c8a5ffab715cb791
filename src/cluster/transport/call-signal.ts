import { setMaxListeners } from 'node:events'

/** A signal for one call, and how to let go of it. */
export interface CallSignal {
  readonly signal: AbortSignal
  /** To be called when the call is over: the timer ends, and the outer signal forgets it. */
  readonly release: () => void
}

/** Does something after so many milliseconds, unless the answer is called before. */
export type Timer = (ms: number, then: () => void) => () => void

/** Real time. */
export const realTimer: Timer = (ms, then) => {
  const timer = setTimeout(then, Math.ceil(ms))
  return () => clearTimeout(timer)
}

/** How long a nap of {@link awakeTimer} lasts, in milliseconds, and the most of it that counts: a process that was kept from running has heard nothing meanwhile. */
const [napMs, mostOfNapMs] = [50, 100]

/**
 * Time in which this process could have heard an answer: what it computed through, or was given no processor for, does not count. For probes: Node runs timers
 * that are due before it reads sockets, so an answer that lies there already would else be called silence.
 */
export const awakeTimer: Timer = (ms, then) => {
  let left = ms
  let timer: NodeJS.Timeout
  const nap = (): void => {
    const began = performance.now()
    timer = setTimeout(
      () => {
        left -= Math.min(mostOfNapMs, performance.now() - began)
        if (left > 0) nap()
        else then()
      },
      Math.min(napMs, Math.ceil(left)),
    )
  }
  nap()
  return () => clearTimeout(timer)
}

/**
 * Aborts after `ms`, or with `outer` and its reason. Not AbortSignal.any: in Node 20 each of those leaves a reference behind in the outer signal, and
 * that of a run that waits armed lives through tens of thousands of calls.
 */
export const callSignal = (ms: number, outer: AbortSignal | undefined, timer: Timer = realTimer): CallSignal => {
  const own = new AbortController()
  const follow = (): void => own.abort(outer?.reason)
  const cancel = timer(ms, () => own.abort(new DOMException('the deadline has passed', 'TimeoutError')))
  if (outer?.aborted === true) follow()
  else if (outer !== undefined) {
    // Dozens of calls at once listen to one run's signal, and that is no leak: Node would warn the user at the eleventh.
    setMaxListeners(0, outer)
    outer.addEventListener('abort', follow, { once: true })
  }
  return {
    signal: own.signal,
    release: () => {
      cancel()
      outer?.removeEventListener('abort', follow)
    },
  }
}
