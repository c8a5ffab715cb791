import { initialState, next, type Transition } from '../../src/rollout/next.ts'
import type { Effect, Event, RunState } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'
import type { Cluster, Write } from './cluster.ts'
import type { Scenario } from './scenarios.ts'
import { writesOf } from './step-writes.ts'

/** The window's third, in the machine's milliseconds. */
export const tickMs = 30_000

/** The machine under test: `next` of src/rollout, or what a planted bug makes of it. */
export type Machine = (state: RunState, event: Event) => Transition

/** A step that is being performed, and the requests of it that are still to be sent. */
export interface Flight {
  readonly id: number
  readonly step: Step
  readonly left: readonly Write[]
}

/** The client: the pure machine, what it performs, and what was on its way when it gave that up. */
export interface Client {
  readonly run: RunState
  readonly flights: readonly Flight[]
  /** Requests sent before an abort: each may land any time, until the undo has waited for it. */
  readonly ghosts: readonly Write[]
  /** Asleep: it does nothing, and its memory stays. */
  readonly asleep: boolean
  /** The last probe was green, and nothing was closed since. */
  readonly green: boolean
  /** Every node that is closed now was probed so, under the gate. */
  readonly aliveAt: number | undefined
}

/** Everything at one moment. */
export interface World {
  readonly cluster: Cluster
  /** Undefined once it has crashed. */
  readonly client: Client | undefined
  /** Faults that may still happen. */
  readonly faults: number
  /** What the last move did wrong; empty where it did nothing wrong. */
  readonly wrong: string | undefined
}

/** A world before the first move. */
export const begin = (scenario: Scenario, faults: number, machine: Machine = next): World => {
  const run = initialState(scenario.steps, scenario.config)
  const client: Client = { run, flights: [], ghosts: [], asleep: false, green: false, aliveAt: undefined }
  return tell({ cluster: scenario.start, client, faults, wrong: undefined }, { kind: 'start' }, machine)
}

/** The world after the machine has heard of an event. */
export const tell = (world: World, event: Event, machine: Machine): World => {
  const { client } = world
  if (client === undefined) return world
  const { state, effects } = machine(client.run, event)
  return { ...world, client: effects.reduce<Client>(act, { ...client, run: state }) }
}

const act = (client: Client, effect: Effect): Client => {
  switch (effect.kind) {
    case 'abort':
      return { ...client, flights: [], ghosts: [...client.ghosts, ...client.flights.flatMap(({ left }) => left.slice(0, 1))] }
    case 'perform':
      return { ...client, flights: [...client.flights, { id: effect.id, step: effect.step, left: writesOf(effect.step) }] }
    default:
      return client
  }
}
