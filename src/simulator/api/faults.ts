/** What goes wrong with a call. */
export type Harm =
  /** No answer ever; the call may have been done (`after`) or not. */
  | { readonly kind: 'hang' }
  /** The connection is reset. */
  | { readonly kind: 'reset' }
  /** The answer comes late. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** An answer without the call having been done; a Status of the code, with Retry-After for 429. */
  | { readonly kind: 'status'; readonly code: number; readonly message?: string; readonly retryAfter?: number }
  /** Half of the answer, then the connection ends. */
  | { readonly kind: 'truncate' }

/** A fault: which calls it meets, and what it does to them. */
export interface Fault {
  readonly harm: Harm
  /** Only calls whose path, query included, matches. */
  readonly path?: RegExp
  readonly method?: string
  /** From the n-th matching call on, counted from 1; default 1. */
  readonly from?: number
  /** How many calls it meets; default 1. */
  readonly times?: number
  /** Hangs and resets after the call has been done: the client cannot know. */
  readonly after?: boolean
}

/** The faults in force. */
export interface Faults {
  /** Adds a fault; the answer takes it away. */
  add(fault: Fault): () => void
  clear(): void
}

/** Faults, and the way the server asks which one meets a call. */
export interface FaultBook extends Faults {
  next(method: string, path: string): Fault | undefined
}

/** No faults yet. Of several that match a call the oldest one wins; all of them count it. */
export const createFaults = (): FaultBook => {
  const counted = new Map<Fault, number>()
  return {
    add: (fault) => {
      counted.set(fault, 0)
      return () => {
        counted.delete(fault)
      }
    },
    clear: () => counted.clear(),
    next: (method, path) => {
      let met: Fault | undefined
      for (const [fault, before] of counted) {
        if (fault.method !== undefined && fault.method !== method) continue
        if (fault.path !== undefined && !fault.path.test(path)) continue
        const count = before + 1
        counted.set(fault, count)
        const { from = 1, times = 1 } = fault
        if (met === undefined && count >= from && count < from + times) met = fault
      }
      return met
    },
  }
}
