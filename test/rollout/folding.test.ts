import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainOf } from '../../src/rollout/chain.ts'
import { changesOf, rollbackTarget } from '../../src/rollout/changes.ts'
import { type Checkpoint, checkpointVersion, parseNumber } from '../../src/rollout/checkpoint.ts'
import { foldings, isReachable } from '../../src/rollout/folding.ts'
import { imagesBackTo } from '../../src/rollout/rollback-steps.ts'

/** A cluster of four objects, each a number or not there. */
type World = Readonly<Record<string, number | undefined>>

interface Past {
  readonly world: World
  readonly checkpoints: readonly Checkpoint[]
  /** What the world was after each change. */
  readonly after: ReadonlyMap<number, World>
}

const objects = ['a', 'b', 'c', 'd']
const beginning: Past = { world: {}, checkpoints: [], after: new Map([[0, {}]]) }

const imageOf = (world: World, name: string) => ({
  ref: { apiVersion: 'v1', kind: 'Thing', name },
  before: world[name] === undefined ? null : { apiVersion: 'v1', kind: 'Thing', metadata: { name }, value: world[name] },
})

/** One more change: `wanted` in two steps of its own, each with its checkpoint. */
const changed = ({ world, checkpoints, after }: Past, wanted: World, undoes: readonly number[] = []): Past => {
  const number = Math.max(...after.keys()) + 1
  const touched = objects.filter((name) => name in wanted)
  const written = [...checkpoints]
  for (const [at, names] of [touched.slice(0, 2), touched.slice(2)].entries()) {
    const { head } = chainOf(written)
    written.push({
      ...{ apiVersion: checkpointVersion, kind: 'Checkpoint', number: `${number}.${at + 1}`, title: '', at: '', by: '', command: '' },
      ...(undoes.length === 0 ? {} : { undoes }),
      ...(at === 0 ? { end: { outcome: 'done', at: '', green: 1 } } : {}),
      images: names.map((name) => imageOf(world, name)),
      ...(head === undefined ? {} : { previous: head }),
    })
  }
  const now = { ...world, ...wanted }
  return { world: now, checkpoints: written, after: new Map([...after, [number, now]]) }
}

const worldBack = ({ world, checkpoints }: Past, to: number): World => {
  const back = imagesBackTo(checkpoints, to).map(({ ref, before }) => [ref.name, before?.['value'] as number | undefined])
  return { ...world, ...Object.fromEntries(back) }
}

const rolledBack = (past: Past, to: number): Past => {
  const undoes = changesOf(past.checkpoints).flatMap(({ number }) => (number > to ? [number] : []))
  return undoes.length === 0 ? past : changed(past, worldBack(past, to), undoes)
}

const reachable = ({ after, checkpoints }: Past): number[] => [...after.keys()].filter((to) => isReachable(checkpoints, to))

/** The pasts a client passes through that prunes: the fold written, then one checkpoint after the other gone. */
const pruning = function* (past: Past): Generator<Past> {
  let { checkpoints } = past
  for (const { into, of } of foldings(checkpoints, changesOf(checkpoints))) {
    checkpoints = [...checkpoints.filter(({ number }) => number !== into.number), into]
    yield { ...past, checkpoints }
    for (const gone of of) {
      checkpoints = checkpoints.filter(({ number }) => number !== gone.number)
      yield { ...past, checkpoints }
    }
  }
}

const value = fc.option(fc.nat(9), { nil: undefined })
const edit = fc.dictionary(fc.constantFrom(...objects), value, { minKeys: 1 })
const act = fc.oneof({ weight: 3, arbitrary: edit }, { weight: 1, arbitrary: fc.nat(1_000) })
const same = (one: World, other: World): void => expect(objects.map((name) => one[name])).toEqual(objects.map((name) => other[name]))

describe('pruning', () => {
  it('loses no way back that it does not say it loses, wherever it breaks off', () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 24, maxLength: 45 }), fc.nat(), (acts, crash) => {
        let past = beginning
        for (const [index, one] of acts.entries()) {
          const targets = reachable(past)
          past = typeof one === 'number' ? rolledBack(past, targets[one % targets.length] ?? 0) : changed(past, one)
          const states = [past, ...pruning(past)]
          // Every third pruning breaks off somewhere; the next one begins with what it left.
          past = (index % 3 === 0 ? states[crash % states.length] : states.at(-1)) ?? past
          for (const { checkpoints } of states) expect(chainOf(checkpoints).breaks).toEqual([])
          for (const to of reachable(past)) same(worldBack(past, to), past.after.get(to) ?? {})
          const numbers = [...past.after.keys()]
          for (const to of [0, numbers[1] ?? 0, ...numbers.slice(-20)]) expect(reachable(past), `after ${numbers.length} changes`).toContain(to)
          expect(changesOf(past.checkpoints).map(({ number }) => number)).toEqual(numbers.slice(1))
        }
        const whole = [...pruning(past)].at(-1) ?? past
        expect(new Set(whole.checkpoints.map(({ number }) => parseNumber(number).change)).size).toBeLessThanOrEqual(24)
      }),
      { numRuns: 12, endOnFailure: true },
    )
  })
})

describe('what rollback alone goes back to', () => {
  const init = { a: 1 }
  it.each([
    ['the change before the last', (past: Past) => past, 1],
    ['past a change that was taken back', (past: Past) => rolledBack(past, 1), 0],
    ['a change that was done again', (past: Past) => rolledBack(rolledBack(past, 1), 2), 1],
  ])('%s', (_, act, target) => {
    const { checkpoints } = act(changed(changed(beginning, init), { b: 2 }))
    expect(rollbackTarget(changesOf(checkpoints))).toBe(target)
  })

  it('goes on with a rollback whose client died', () => {
    const past = rolledBack(changed(changed(changed(beginning, init), { b: 2 }), { c: 3 }), 1)
    const dead = past.checkpoints.map(({ end, ...rest }) => (rest.number.startsWith('4.') || end === undefined ? rest : { ...rest, end }))
    expect(rollbackTarget(changesOf(dead))).toBe(1)
  })

  it('does not count a run that took itself back', () => {
    const past = changed(changed(beginning, init), { b: 2 })
    const own = past.checkpoints.map((one) => (one.number === '2.1' ? { ...one, end: { outcome: 'rolled-back', at: '', green: 1 } as const } : one))
    expect(rollbackTarget(changesOf(own))).toBe(0)
    expect(changesOf(own).map(({ inForce }) => inForce)).toEqual([true, false])
  })
})
