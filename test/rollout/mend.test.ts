import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { mend } from '../../src/rollout/mend.ts'
import { chained } from './chained.ts'

const all = chained(['1.1', '1.2', '2.1', '2.2'])
const without = (...numbers: string[]) => all.filter(({ number }) => !numbers.includes(number))
const only = (...numbers: string[]) => all.filter(({ number }) => numbers.includes(number))
const damage = (...numbers: string[]) => numbers.map((number) => ({ number, error: new FwError('FW_CHECKPOINT', `${number} is damaged`) }))
/** Copies of an earlier life of the tool: the same numbers, other content. */
const earlier = all.map((one) => ({ ...one, at: '2025-01-01T00:00:00Z' }))

describe('copies on this machine', () => {
  it.each([
    ['for a damaged checkpoint', without('1.2'), damage('1.2'), all, ['1.2']],
    ['for the first', without('1.1'), damage('1.1'), all, ['1.1']],
    ['for the last, where it is damaged', without('2.2'), damage('2.2'), all, ['2.2']],
    ['for several in a row, one by one', only('2.2'), damage('1.1', '1.2', '2.1'), all, ['1.1', '1.2', '2.1']],
    ['for one that is gone', without('2.1'), [], all, ['2.1']],
    ['for none where nothing is missing', all, [], all, []],
    ['not from an earlier life', without('1.2'), damage('1.2'), earlier, []],
    ['not for a last one that is gone: nobody can tell that it was there', without('2.2'), [], all, []],
    ['not beyond one that is not here either', only('1.1', '2.2'), damage('1.2'), only('1.2'), []],
  ])('stand in %s', (_, checkpoints, damaged, copies, mended) => {
    const found = mend({ checkpoints, damaged }, copies)
    expect(found.mended).toEqual(mended)
    expect(found.checkpoints).toEqual(all.filter((one) => checkpoints.includes(one) || mended.includes(one.number)))
    expect(found.damaged).toEqual(damaged.filter(({ number }) => !mended.includes(number)))
  })
})
