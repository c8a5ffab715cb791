import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainOf, hashOf } from '../../src/rollout/chain.ts'
import { changeBundle } from '../../src/rollout/change-bundle.ts'
import { type Checkpoint, compareNumbers } from '../../src/rollout/checkpoint.ts'
import { chained } from './chained.ts'

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const numbers = ['1.1', '1.2', '2.1', '3.1', '3.2', '3.10']

describe('the chain of checkpoints', () => {
  it('is whole as it was written, in whatever order it is read', () => {
    const checkpoints = chained(numbers)
    expect(chainOf([...checkpoints].reverse())).toEqual({ head: hashOf(checkpoints[5] as Checkpoint), breaks: [], unchained: [] })
    expect(chainOf([])).toEqual({ head: undefined, breaks: [], unchained: [] })
  })

  it('is hashed over what jq -cS prints: sorted keys, no blanks, without what is written beside it later', () => {
    const [first] = chained(['1.1']) as [Checkpoint]
    // jq -jcS . | sha256sum, run on this document by hand.
    expect(hashOf({ ...first, end: { outcome: 'done', at: '', green: 1 } })).toBe(
      'sha256:7d5b7d430d26f681657ad5b7d5fbcb047f34a9b9fd69070b9824be3a1a08eeae',
    )
    expect(hashOf(Object.fromEntries(Object.entries(first).reverse()) as unknown as Checkpoint)).toBe(hashOf(first))
    const having = { ...first, evidence: { versions: { 9: 'a', 10: 'b', '-': 'c' }, plan: {}, proof: {} } }
    expect(hashOf(having)).toBe('sha256:c1ce0d9573c213a2230c4bc304751b1eeafe2354d7ee451480c11b79ca1393a8')
  })

  it.each(numbers.slice(0, -1).map((number, at) => [number, numbers[at + 1]]))('breaks behind %s where that is changed or gone', (number, next) => {
    const checkpoints = chained(numbers)
    const changed = checkpoints.map((one) => (one.number === number ? { ...one, by: 'somebody else' } : one))
    expect(chainOf(changed).breaks).toEqual([next])
    expect(chainOf(checkpoints.filter((one) => one.number !== number)).breaks).toEqual([next])
  })

  it('begins behind checkpoints of a version without it, and holds the last of them', () => {
    const whole = chained(numbers, 3)
    expect(chainOf(whole)).toMatchObject({ breaks: [], unchained: ['1.1', '1.2', '2.1'] })
    expect(chainOf(whole.map((one) => (one.number === '2.1' ? { ...one, by: 'somebody else' } : one))).breaks).toEqual(['3.1'])
    // One without a link behind one that has it is none of theirs.
    const unlinked = whole.map((one, at): Checkpoint => (at === 4 ? (chained(numbers, 9)[4] as Checkpoint) : one))
    expect(chainOf(unlinked).breaks).toEqual(['3.2', '3.10'])
  })

  it('ends in another hash where the last one is changed or gone', () => {
    const checkpoints = chained(numbers)
    const { head } = chainOf(checkpoints)
    expect(chainOf(checkpoints.slice(0, -1)).head).not.toBe(head)
    expect(chainOf(checkpoints.map((one, at) => (at === 5 ? { ...one, title: 'another' } : one))).head).not.toBe(head)
  })

  it('holds any content to the letter', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [first] = chained(['1.1']) as [Checkpoint]
        const having = (plan: unknown): string => hashOf({ ...first, evidence: { versions: {}, plan: { plan }, proof: {} } })
        expect(having(one) === having(other)).toBe(isDeepStrictEqual(asJson(one), asJson(other)))
      }),
      { endOnFailure: true },
    )
  })
})

describe('the bundle of a change', () => {
  const all = chained(numbers).sort((one, other) => compareNumbers(one.number, other.number))
  const now = [{ ref: { apiVersion: 'v1', kind: 'Thing', name: 'x' }, before: null }]
  const of = (change: number) =>
    changeBundle(
      change,
      all.filter(({ number }) => number.startsWith(`${change}.`)),
      all,
      now,
    )

  it.each([
    [1, { object: 'Thing x', after: expect.objectContaining({ value: 2 }), seen: 'before step 2.1' }],
    [2, { object: 'Thing x', after: expect.objectContaining({ value: 3 }), seen: 'before step 3.1' }],
    [3, { object: 'Thing x', after: null, seen: 'now' }],
  ])('tells what each object was after change %i, and who saw it', (change, after) => {
    expect(of(change).after).toEqual([after])
  })

  it('says so where nobody can tell any more: the change was folded into one with later ones', () => {
    const folds = [2, 3].map((number) => ({ number, at: '', by: '', command: '', undoes: [], end: undefined }))
    const fold = { ...(all[2] as Checkpoint), number: '2.0.3', folds }
    const { after } = changeBundle(2, [all[2] as Checkpoint], [...all.slice(0, 2), fold], now)
    expect(after).toEqual([{ object: 'Thing x', seen: expect.stringContaining('checkpoint 2.0.3') }])
  })

  it('says so where an object could not be read', () => {
    expect(changeBundle(3, all.slice(3), all, []).after).toEqual([{ object: 'Thing x', seen: 'not read' }])
  })

  it('has the whole chain, each link with the hash of what it names', () => {
    const { chain, checkpoints } = of(2)
    expect(chain.breaks).toEqual([])
    expect(chain.links.map(({ number }) => number)).toEqual(numbers)
    expect(checkpoints.map(hashOf)).toEqual([chain.links[2]?.hash])
    expect(chain.links[3]?.previous).toBe(chain.links[2]?.hash)
  })
})
