import { createHash } from 'node:crypto'
import { next } from '../../src/rollout/next.ts'
import { deadlineOf, type RunState } from '../../src/rollout/state.ts'
import { brokenIn } from './invariants.ts'
import { movesIn } from './moves.ts'
import type { Scenario } from './scenarios.ts'
import { begin, type Machine, tickMs, type World } from './world.ts'

/** A history that breaks an invariant. */
export interface CounterExample {
  readonly scenario: string
  readonly broken: string
  readonly trace: readonly string[]
}

/** What a search has seen. */
export interface Explored {
  readonly states: number
  readonly transitions: number
  readonly found: CounterExample | undefined
}

/** How a world was come by; the worlds on the way are not kept. */
interface Way {
  readonly move: string
  readonly from: Way | undefined
}

/** Every state a scenario can reach with this many faults, breadth first, so that a counter-example is as short as any; ends at the first. */
export const exhaust = (
  scenario: Scenario,
  faults: number,
  { machine = next, most = 5_000_000 }: { machine?: Machine; most?: number } = {},
): Explored => {
  const seen = new Set<string>()
  const start = { world: begin(scenario, faults, machine), way: { move: 'start', from: undefined } }
  let frontier: { readonly world: World; readonly way: Way }[] = [start]
  seen.add(keyOf(start.world))
  let transitions = 0
  while (frontier.length > 0) {
    const ahead: typeof frontier = []
    for (const { world, way } of frontier) {
      for (const move of movesIn(world, scenario, machine)) {
        transitions++
        const made = move.make()
        const broken = made.wrong ?? brokenIn(made, scenario)
        const key = keyOf(made)
        if (broken === undefined && seen.has(key)) continue
        const onward: Way = { move: move.name, from: way }
        if (broken !== undefined) return { states: seen.size, transitions, found: { scenario: scenario.name, broken, trace: traceOf(onward) } }
        if (seen.size >= most) throw new Error(`more than ${most} states`)
        seen.add(key)
        ahead.push({ world: made, way: onward })
      }
    }
    frontier = ahead
  }
  return { states: seen.size, transitions, found: undefined }
}

const traceOf = (last: Way): string[] => {
  const moves: string[] = []
  for (let at: Way | undefined = last; at !== undefined; at = at.from) moves.unshift(at.move)
  return moves
}

/** Two worlds with one key have the same future: ids and absolute times aside. */
const keyOf = (world: World): string => createHash('md5').update(futureOf(world)).digest('base64')

const futureOf = ({ cluster, client, faults }: World): string => {
  const { now, objects, failsAt, lock, controllers, api } = cluster
  return JSON.stringify([
    ...[faults, now, [...objects].sort(), failsAt, lock?.holder, lock && now - lock.renewed > 0, controllers, api],
    client === undefined
      ? null
      : [
          runKey(client.run, now),
          client.flights.map(({ id, step, left }) => [id === client.run.pulse, step.kind, step.title, left.length]),
          client.ghosts,
          client.asleep,
          client.green,
          client.aliveAt !== undefined,
        ],
  ])
}

const runKey = (run: RunState, now: number): unknown => [
  ...[
    run.mode,
    run.steps.length,
    run.at,
    run.locked,
    run.committed,
    run.mayBeClosed,
    run.images.length,
    run.askedAt !== undefined,
    run.pulse !== undefined,
  ],
  ...[run.gate === undefined ? null : deadlineOf(run.gate) - now * tickMs, run.remaining.length, run.outcome?.kind],
]
