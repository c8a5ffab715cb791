import { next } from '../../src/rollout/next.ts'
import { brokenIn } from './invariants.ts'
import { movesIn } from './moves.ts'
import type { Scenario } from './scenarios.ts'
import type { CounterExample } from './search.ts'
import { begin, type Machine, type World } from './world.ts'

/** A history longer than this goes in circles. */
const longest = 5_000
/** One in so many moves is a fault, where one can be had: some histories get far, some do not. */
const rates = [25, 100] as const

/** Plays one history to its end. Returns what it broke, and how many moves it took. */
export const play = (
  scenario: Scenario,
  faults: number,
  chance: () => number,
  machine: Machine = next,
): { readonly moves: number; readonly found: CounterExample | undefined } => {
  let world: World = begin(scenario, faults, machine)
  const trace: string[] = []
  const faultEvery = chance() < 0.5 ? rates[0] : rates[1]
  for (;;) {
    if (trace.length > longest) throw new Error(`a history without an end:\n${trace.slice(-20).join('\n')}`)
    const moves = movesIn(world, scenario, machine)
    if (moves.length === 0) return { moves: trace.length, found: undefined }
    const wanted = chance() < 1 / faultEvery
    const some = moves.filter(({ fault }) => fault === wanted)
    const among = some.length === 0 ? moves : some
    const move = among[Math.floor(chance() * among.length)]
    if (move === undefined) return { moves: trace.length, found: undefined }
    world = move.make()
    trace.push(move.name)
    const broken = world.wrong ?? brokenIn(world, scenario)
    if (broken !== undefined) return { moves: trace.length, found: { scenario: scenario.name, broken, trace } }
  }
}
