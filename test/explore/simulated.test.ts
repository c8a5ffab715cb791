import { expect, it } from 'vitest'
import { playMany } from './simulated-many.ts'

it('a few histories through the simulator end open or kept whole, and are rolled back to nothing', { timeout: 60_000 }, async () => {
  const { ends, found } = await playMany({ count: 8, first: 0, seed: 20_261_125 })
  expect(found).toEqual([])
  expect(Object.keys(ends).length).toBeGreaterThan(1)
})
