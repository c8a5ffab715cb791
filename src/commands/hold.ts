import type { ProbeRunner } from '../rollout/ports.ts'

/** Something that can be held up, and let go. */
export interface Hold {
  hold(): void
  release(): void
  isHeld(): boolean
  /** Waits until it is let go. */
  free(signal: AbortSignal | undefined): Promise<void>
  /** Probes that wait while held: no step gets past its probes, and no deadline is renewed, so nobody who ponders too long stays locked out. */
  prober(prober: ProbeRunner): ProbeRunner
}

/** A hold that is not held. */
export const createHold = (): Hold => {
  let held: { readonly until: Promise<void>; readonly end: () => void } | undefined
  const free = async (signal: AbortSignal | undefined): Promise<void> => {
    while (held !== undefined) await Promise.race([held.until, aborted(signal)])
  }
  return {
    hold: () => {
      if (held !== undefined) return
      let end = (): void => undefined
      const until = new Promise<void>((resolve) => {
        end = resolve
      })
      held = { until, end }
    },
    free,
    isHeld: () => held !== undefined,
    release: () => {
      held?.end()
      held = undefined
    },
    prober: (prober) => ({
      run: async (probes, options) => {
        await free(options.signal)
        const results = await prober.run(probes, options)
        // One that was under way when it was held up is no leave to go on: the commit may come next.
        await free(options.signal)
        return results
      },
    }),
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
