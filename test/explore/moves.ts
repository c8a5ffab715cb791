import type { StepResult } from '../../src/rollout/state.ts'
import { deadlineOf } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'
import { gate as fixtureGate } from '../rollout/fixtures.ts'
import { type Cluster, hasGate, landed, later, ticksOfWindow, type Write } from './cluster.ts'
import { wrongBy } from './invariants.ts'
import type { Scenario } from './scenarios.ts'
import { keyOf } from './step-writes.ts'
import { type Client, type Flight, type Machine, tell, tickMs, type World } from './world.ts'

/** One thing that can happen next. */
export interface Move {
  readonly name: string
  /** Something goes wrong: there is a budget of these. */
  readonly fault: boolean
  readonly make: () => World
}

/** Nothing is followed further than this. */
const horizon = 9

/** Everything that can happen next in a world; nothing where it is over. */
export const movesIn = (world: World, scenario: Scenario, machine: Machine): Move[] => {
  const { cluster, client } = world
  const moves: Move[] = []
  const can = (name: string, make: () => World): void => void moves.push({ name, fault: false, make })
  const fault = (name: string, make: () => World): void => {
    if (world.faults > 0) moves.push({ name, fault: true, make: () => ({ ...make(), faults: world.faults - 1 }) })
  }
  if (client === undefined || client.run.mode === 'finished') return []
  const event = (one: Parameters<typeof tell>[1]) => tell(world, one, machine)
  const set = (change: Partial<Client>) => ({ ...world, client: { ...client, ...change } })
  for (const ghost of client.ghosts) {
    const rest = client.ghosts.filter((one) => one !== ghost)
    can(`a request given up lands: ${wordsOf(ghost)}`, () =>
      checked(world, scenario, { ...set({ ghosts: rest }), cluster: landed(cluster, ghost) }, undefined),
    )
  }
  if (client.asleep) {
    can('the client wakes', () => set({ asleep: false }))
    if (cluster.lock?.holder === 'me' && cluster.now > cluster.lock.renewed + 0) {
      fault('another operator takes the silent lock, and rolls back to before', () => ({
        ...world,
        cluster: { ...scenario.start, now: cluster.now, lock: { holder: 'other', renewed: cluster.now } },
      }))
    }
    if (cluster.now < horizon) can('time passes', () => ({ ...world, cluster: later(cluster) }))
    return moves
  }
  const { run } = client
  const now = cluster.now * tickMs
  // The alarm is the client's own and comes in time.
  if (run.mode === 'forward' && run.gate !== undefined && !run.committed && now >= deadlineOf(run.gate) && run.config.isRollback !== true)
    return [{ name: 'the alarm rings', fault: false, make: () => event({ kind: 'deadline', now }) }]
  if (cluster.lock?.holder === 'other' && run.locked)
    return [{ name: 'the lock is seen to be another’s', fault: false, make: () => event({ kind: 'lock-lost', text: 'held by another' }) }]
  for (const flight of client.flights)
    moves.push(...flightMoves(world, client, flight, { scenario, machine, can, fault }).filter((move) => move !== undefined))
  const isQuestion = run.mode === 'forward' && run.steps[run.at]?.kind === 'ask'
  if (cluster.now < horizon) {
    can('time passes', () => {
      const passed = { ...world, cluster: renewedLock(later(cluster)) }
      return isQuestion ? tell(passed, { kind: 'tick', now: passed.cluster.now * tickMs }, machine) : passed
    })
  }
  fault('the client crashes', () => ({ ...world, client: undefined }))
  fault('the client sleeps', () => set({ asleep: true }))
  if (run.mode === 'forward') {
    if (run.gate !== undefined && !run.committed) {
      fault('the controllers are seen to lag', () => event({ kind: 'lag', ms: 60_000 }))
      fault('a lifeline is lost', () => event({ kind: 'watch-red', text: 'lost' }))
    }
    fault('Ctrl-C: open', () => event({ kind: 'interrupted', choice: 'open' }))
    fault('Ctrl-C: leave it', () => event({ kind: 'interrupted', choice: 'leave' }))
  }
  if (cluster.controllers) fault('the controllers stop', () => ({ ...world, cluster: { ...cluster, controllers: false } }))
  else can('the controllers come back', () => ({ ...world, cluster: later({ ...cluster, controllers: true }, 0) }))
  if (cluster.api) fault('the API is gone', () => ({ ...world, cluster: { ...cluster, api: false } }))
  else can('the API comes back', () => ({ ...world, cluster: { ...cluster, api: true } }))
  return moves
}

interface Around {
  readonly scenario: Scenario
  readonly machine: Machine
  readonly can: (name: string, make: () => World) => void
  readonly fault: (name: string, make: () => World) => void
}

const flightMoves = (world: World, client: Client, flight: Flight, { scenario, machine, can, fault }: Around): Move[] => {
  const { cluster } = world
  const [write, ...rest] = flight.left
  const now = cluster.now * tickMs
  const failed = (from: World): World => tell(dropped(from, flight), { kind: 'failed', id: flight.id, now, error: 'fault' }, machine)
  const { title } = flight.step
  if (flight.step.kind === 'drop-open-set' && write !== undefined && client.run.remaining.length > 0) {
    can(`${title}: it stays`, () => failed(world))
    return []
  }
  if (write !== undefined) {
    // An undo waits for what was given up before it takes anything away; what has not landed by then never does.
    const settled = flight.step.kind === 'restore' ? { ...client, ghosts: [] } : client
    const send = (): World => {
      const sent: World = {
        ...world,
        cluster: landed(cluster, write),
        client: { ...withFlight(settled, { ...flight, left: rest }), ...closing(settled, write, flight.step) },
      }
      return checked(world, scenario, sent, { write, step: flight.step, client: settled })
    }
    if (cluster.api) {
      can(`${title}: ${wordsOf(write)}`, send)
      fault(`${title}: ${wordsOf(write)} lands, and its answer is lost`, () => failed(send()))
      fault(`${title}: ${wordsOf(write)} is refused`, () => failed(world))
    } else if (flight.step.kind !== 'open') can(`${title}: no answer`, () => failed(world))
    else if (cluster.now >= horizon) can(`${title}: given up`, () => failed(world))
    return []
  }
  if (!cluster.api) {
    can(`${title}: no answer`, () => failed(world))
    return []
  }
  const done = (result?: StepResult, learned: Partial<Client> = {}): World => {
    const from = dropped(world, flight)
    const known = from.client === undefined ? from : { ...from, client: { ...from.client, ...learned } }
    return tell(known, { kind: 'done', id: flight.id, now, ...(result === undefined ? {} : { result }) }, machine)
  }
  const seen = observed(flight.step, world, scenario)
  if (seen === false && flight.step.kind === 'see-open') {
    // Not seen open: the HostEndpoints go at once (src/rollout/perform/open.ts).
    const objects = new Set([...cluster.objects].filter((key) => !key.startsWith('HostEndpoint ')))
    can(`${title}: not so, and the HostEndpoints go`, () => checked(world, scenario, { ...world, cluster: { ...cluster, objects } }, undefined))
    return []
  }
  if (seen === false) {
    can(`${title}: not so`, () => failed(world))
    return []
  }
  if (flight.step.kind === 'ask') {
    // However long the answer took: what was seen before it counts no more.
    can('keep', () => done({ kind: 'answer', answer: 'keep' }, { green: false, aliveAt: undefined }))
    fault('not kept', () => done({ kind: 'answer', answer: 'open' }))
    return []
  }
  can(`${title}: done`, () => done(resultOf(flight.step, client, cluster), learnedBy(flight.step, cluster)))
  if (seen === true) fault(`${title}: red`, () => failed(world))
  return []
}

/** What a look shows: undefined where the step does not look. */
const observed = (step: Step, { cluster }: World, scenario: Scenario): boolean | undefined => {
  switch (step.kind) {
    case 'probe':
    case 'pulse':
    case 'baseline':
    case 'preflight':
    case 'rehearse':
    case 'settle':
    case 'recheck':
    case 'verify':
      return step.kind !== 'rehearse' || cluster.controllers
    case 'see-open':
      return scenario.closed(cluster).length === 0
    case 'gate-alive':
    case 'find-gate':
    case 'renew':
      return hasGate(cluster) && [...cluster.objects].some((key) => key.startsWith('NetworkSet gate-'))
    default:
      return undefined
  }
}

const resultOf = (step: Step, { run }: Client, cluster: Cluster): StepResult | undefined => {
  const now = cluster.now * tickMs
  switch (step.kind) {
    case 'checkpoint':
      return {
        kind: 'images',
        images: step.refs.map((ref) => ({ ref, before: cluster.objects.has(keyOf(ref)) ? { ...ref, metadata: { name: ref.name } } : null })),
      }
    case 'arm':
    case 'find-gate':
      return { kind: 'gate', gate: { objects: step.gate, jobUid: 'job', setUid: 'set', armedAt: now, seconds: (ticksOfWindow * tickMs) / 1000 } }
    case 'renew':
    case 'pulse': {
      const armedAt = run.gate?.armedAt ?? now
      return {
        kind: 'gate',
        gate: {
          ...(run.gate ?? { objects: fixtureGate, jobUid: 'job', setUid: 'set', armedAt }),
          seconds: (now - armedAt + ticksOfWindow * tickMs) / 1000,
        },
      }
    }
    default:
      return undefined
  }
}

const learnedBy = (step: Step, cluster: Cluster): Partial<Client> => {
  if (step.kind === 'probe') return { green: true }
  return step.kind === 'gate-alive' ? { aliveAt: cluster.now } : {}
}

const closing = (client: Client, write: Write, step: Step): Partial<Client> =>
  (step.kind === 'write' || step.kind === 'remove') && step.closes.length > 0 && write.kind !== 'checkpoint'
    ? { green: false }
    : { green: client.green }

const dropped = (world: World, flight: Flight): World =>
  world.client === undefined ? world : { ...world, client: { ...world.client, flights: world.client.flights.filter(({ id }) => id !== flight.id) } }

const withFlight = (client: Client, flight: Flight): Client => ({
  ...client,
  flights: client.flights.map((one) => (one.id === flight.id ? flight : one)),
})

const renewedLock = (cluster: Cluster): Cluster =>
  cluster.lock?.holder === 'me' && cluster.api ? { ...cluster, lock: { holder: 'me', renewed: cluster.now } } : cluster

const checked = (before: World, scenario: Scenario, after: World, sent: { write: Write; step: Step; client: Client } | undefined): World => ({
  ...after,
  wrong: wrongBy(before, after, scenario, sent),
})

const wordsOf = (write: Write): string => ('key' in write ? `${write.kind} ${write.key}` : write.kind)
