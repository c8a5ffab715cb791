import { expect, test } from 'vitest'
import { cutsOf, lengthOf, tooLong } from './cuts.ts'
import type { Sample } from './protocol.ts'

const sample = (id: string, started: number, answer: Sample['answer'] = 'OPEN'): Sample => ({
  id,
  started,
  ended: started + (answer === 'OPEN' ? 1 : 1000),
  answer,
})

test('a line that always answers has no cut', () => {
  expect(cutsOf([sample('a', 0), sample('a', 200), sample('a', 400)])).toEqual([])
})

test('a cut runs from the first lost attempt to the first that comes through, whatever order they end in', () => {
  // The lost attempt began before the good one and ended after it.
  const cuts = cutsOf([sample('a', 0), sample('a', 400), sample('a', 200, 'TIMEOUT'), sample('a', 300, 'REFUSED')])
  expect(cuts).toEqual([{ id: 'a', from: 200, to: 400, lost: 2, answers: ['TIMEOUT', 'REFUSED'] }])
})

test('lines are cut apart from each other, and in the order of their cuts', () => {
  const cuts = cutsOf([sample('b', 100, 'TIMEOUT'), sample('a', 50, 'TIMEOUT'), sample('b', 300), sample('a', 200)])
  expect(cuts.map(({ id, from, to }) => ({ id, from, to }))).toEqual([
    { id: 'a', from: 50, to: 200 },
    { id: 'b', from: 100, to: 300 },
  ])
})

test('a cut that never ends lasts to the end of the watch', () => {
  const cuts = cutsOf([sample('a', 0), sample('a', 200, 'TIMEOUT')])
  expect(cuts.map((cut) => lengthOf(cut, 5200))).toEqual([5000])
  expect(tooLong({ cuts, ended: 5200 }, 4999)).toHaveLength(1)
  expect(tooLong({ cuts, ended: 5200 }, 5000)).toHaveLength(0)
})
