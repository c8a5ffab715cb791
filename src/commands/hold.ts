import type { ProbeRunner } from '../rollout/ports.ts'

/** Something that can be held up, and let go. */
export interface Hold {
  hold(): void
  release(): void
  /** Probes that wait while held: no step gets past its probes, and no deadline is renewed, so nobody who ponders too long stays locked out. */
  prober(prober: ProbeRunner): ProbeRunner
}

/** A hold that is not held. */
export const createHold = (): Hold => {
  let held: { readonly until: Promise<void>; readonly end: () => void } | undefined
  return {
    hold: () => {
      if (held !== undefined) return
      let end = (): void => undefined
      const until = new Promise<void>((resolve) => {
        end = resolve
      })
      held = { until, end }
    },
    release: () => {
      held?.end()
      held = undefined
    },
    prober: (prober) => ({
      run: async (probes, options) => {
        while (held !== undefined) await Promise.race([held.until, aborted(options.signal)])
        return prober.run(probes, options)
      },
    }),
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
