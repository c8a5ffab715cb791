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
