import { describe, expect, it } from 'vitest'
import { random } from '../fixtures/random.ts'
import { bugs, withBug } from './bugs.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { play } from './schedules.ts'
import { exhaust } from './search.ts'

const find = (all: readonly Scenario[], name: string): Scenario => all.find((one) => one.name === name) as Scenario

describe('the protocol', () => {
  it.each(['add-vip', 'rollback to 0'])('keeps the invariants in every state of %s with one fault', (name) => {
    const { states, found } = exhaust(find(scenarios(['n0']), name), 1)
    expect(found).toBeUndefined()
    expect(states).toBeGreaterThan(1_500)
  })

  it('keeps them in 600 histories of every kind', () => {
    const chance = random(20_261_125)
    const all = scenarios(['n0', 'n1', 'n2'])
    for (let played = 0; played < 600; played++) {
      const scenario = all[played % all.length] as Scenario
      expect(play(scenario, 1 + (played % 4), chance).found).toBeUndefined()
    }
  })
})

describe('a bug that is put in is found', () => {
  it.each(bugs)('$name', (bug) => {
    const chance = random(7)
    const scenario = withBug(find(scenarios(['n0', 'n1']), 'init'), bug)
    for (let played = 0; played < 5_000; played++) {
      const { found } = play(scenario, 3, chance, bug.machine)
      if (found !== undefined) return expect(found.broken).toMatch(bug.broken)
    }
    throw new Error('not found in 5,000 histories')
  })
})
