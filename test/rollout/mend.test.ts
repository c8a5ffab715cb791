import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { linkOf } from '../../src/rollout/chain.ts'
import { gapsIn, mend } from '../../src/rollout/mend.ts'
import { chained } from './chained.ts'

const all = chained(['1.1', '1.2', '2.1', '2.2'])
const without = (...numbers: string[]) => all.filter(({ number }) => !numbers.includes(number))
const only = (...numbers: string[]) => all.filter(({ number }) => numbers.includes(number))
const damage = (...numbers: string[]) => numbers.map((number) => ({ number, error: new FwError('FW_CHECKPOINT', `${number} is damaged`) }))
/** Copies of an earlier life of the tool: the same numbers, other content. */
const earlier = chained(['1.1', '1.2', '2.1', '2.2'], 1, '2025-01-01T00:00:00Z')

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
    ['for one damaged behind one that is here, whatever is missing behind it', only('1.1', '2.2'), damage('1.2'), only('1.2'), ['1.2']],
    ['not beyond one that is not here either', only('1.1', '2.2'), [], only('1.2'), []],
    ['not where nothing can be read: they may be of an earlier life', [], damage('1.1', '1.2', '2.1', '2.2'), earlier, []],
  ])('stand in %s', (_, checkpoints, damaged, copies, mended) => {
    const found = mend({ checkpoints, damaged }, copies)
    expect(found.mended).toEqual(mended)
    expect(found.checkpoints).toEqual(all.filter((one) => checkpoints.includes(one) || mended.includes(one.number)))
    expect(found.damaged).toEqual(damaged.filter(({ number }) => !mended.includes(number)))
  })

  it('stand in for a damaged one that later ones were linked past, with how its change ended', () => {
    const [first, , third] = all
    if (first === undefined || third === undefined) throw new Error('no chain')
    const end = { outcome: 'rolled-back', at: '', green: 3 } as const
    const [damaged] = damage('1.2')
    if (damaged === undefined) throw new Error('no damage')
    const past = { ...third, previous: linkOf(first) }
    const found = mend({ checkpoints: [first, past], damaged: [{ ...damaged, end }] }, all)
    expect(found.mended).toEqual(['1.2'])
    expect(found.checkpoints[1]).toEqual({ ...all[1], end })
    expect(gapsIn(found.checkpoints)).toEqual([])
  })

  it('leave a gap that is told where they do not reach', () => {
    const { checkpoints } = mend({ checkpoints: only('1.1', '2.2'), damaged: [] }, only('1.2'))
    expect(gapsIn(checkpoints).map(({ number }) => number)).toEqual(['2.2'])
  })
})
