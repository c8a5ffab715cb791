import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/system-clock.ts'

/** A laptop: time passes while it is awake; suspended, only what counts since the boot goes on. */
const laptop = () => {
  let [steady, boot] = [5_000, 90_000]
  let suspendAt: { after: number; ms: number } | undefined
  const pass = (ms: number): void => {
    steady += ms
    boot += ms
  }
  const naps: number[] = []
  const clock = systemClock({
    steady: () => steady,
    // Hundredths of a second are all Linux tells.
    sinceBoot: () => Math.floor(boot / 10) * 10,
    wall: () => new Date(boot),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      naps.push(ms)
      pass(ms)
      if (suspendAt !== undefined && naps.length === suspendAt.after) boot += suspendAt.ms
    },
  })
  return { clock, pass, naps, suspend: (ms: number) => (boot += ms), suspendAtNap: (after: number, ms: number) => (suspendAt = { after, ms }) }
}

describe('the clock of a laptop', () => {
  it('has gone on while it slept, once and not again', () => {
    const { clock, pass, suspend } = laptop()
    const begun = clock.now()
    pass(400)
    expect(clock.now() - begun).toBe(400)
    suspend(3_600_000)
    expect(Math.abs(clock.now() - begun - 3_600_400)).toBeLessThan(20)
    const woken = clock.now()
    pass(100)
    expect(Math.abs(clock.now() - woken - 100)).toBeLessThan(20)
  })

  it('does not take the grain of the clocks for sleep, nor goes back', () => {
    const { clock, pass } = laptop()
    let last = clock.now()
    for (let ms = 1; ms < 200; ms += 3) {
      pass(ms)
      const now = clock.now()
      expect(now - last).toBe(ms)
      last = now
    }
  })

  it('ends a wait within a second of waking up, however much of it was left', async () => {
    const { clock, naps, suspendAtNap } = laptop()
    suspendAtNap(3, 3_600_000)
    await clock.sleep(600_000)
    expect(naps).toEqual([1_000, 1_000, 1_000])
  })

  it('waits on where a timer fires early', async () => {
    let now = 0
    const early: number[] = []
    const clock = systemClock({
      steady: () => now,
      sinceBoot: () => now,
      wall: () => new Date(now),
      sleep: async (ms) => {
        early.push(ms)
        now += ms > 0.5 ? ms - 0.4 : ms
      },
    })
    await clock.sleep(20)
    expect([now, early.length]).toEqual([20, 2])
  })

  it('waits as long as it was asked to', async () => {
    for (const ms of [0, 1, 999, 1_000, 1_001, 2_500]) {
      const { clock, naps } = laptop()
      await clock.sleep(ms)
      expect([ms, naps.reduce((sum, nap) => sum + nap, 0)]).toEqual([ms, ms])
    }
  })

  it('rejects with the reason of its signal', async () => {
    await expect(laptop().clock.sleep(5_000, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})
