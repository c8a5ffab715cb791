import { describe, expect, it } from 'vitest'
import { inParallel } from '../../src/rollout/perform/parallel.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'

/** Runs so many items whose answers take as long as the server says; tells how many were in flight at most at each start. */
const flown = async (count: number, answerMs: (item: number) => number) => {
  const clock = virtualClock()
  const widths: number[] = []
  let flying = 0
  const items = Array.from({ length: count }, (_, at) => at)
  await clock.drive(
    inParallel(clock, items, async (item) => {
      widths.push(++flying)
      await clock.sleep(answerMs(item))
      flying--
    }),
  )
  return { widths, ms: clock.now() }
}

describe('requests in flight', () => {
  it('begin with eight, and grow to sixteen while answers are prompt', async () => {
    const { widths } = await flown(2_000, () => 20)
    expect(Math.max(...widths.slice(0, 8))).toBe(8)
    expect(Math.max(...widths)).toBe(16)
    expect(widths).toHaveLength(2_000)
  })

  it('are halved by answers that come late, once for all that were in flight together, and are never none', async () => {
    const { widths } = await flown(400, (item) => (item < 200 ? 20 : 1_500))
    expect(Math.max(...widths.slice(200, 210))).toBeGreaterThan(8)
    expect(Math.max(...widths.slice(300))).toBe(1)
  })

  it('grow again when the server has caught its breath', async () => {
    const { widths } = await flown(3_000, (item) => (item > 100 && item < 160 ? 1_500 : 20))
    expect(Math.min(...widths.slice(110, 300))).toBeLessThan(8)
    expect(Math.max(...widths.slice(-100))).toBe(16)
  })

  it('end with the first error, and nothing more is begun', async () => {
    const clock = virtualClock()
    const begun: number[] = []
    const items = Array.from({ length: 50 }, (_, at) => at)
    const work = inParallel(clock, items, async (item) => {
      begun.push(item)
      await clock.sleep(item === 3 ? 5 : 50)
      if (item === 3) throw new Error('no')
    })
    await expect(clock.drive(work)).rejects.toThrow('no')
    expect(begun.length).toBeLessThan(12)
    await clock.advance(1_000)
    expect(begun.length).toBeLessThan(12)
  })
})
