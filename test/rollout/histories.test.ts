import fc from 'fast-check'
import { expect, it } from 'vitest'
import { initialState, next, type Transition } from '../../src/rollout/next.ts'
import type { Effect, Event, RunState } from '../../src/rollout/state.ts'
import { config, smallSteps, yieldOf } from './fixtures.ts'

type Perform = Extract<Effect, { kind: 'perform' }>

/** What can happen besides that the newest step is done; a failure is the commonest. */
const troubles = [
  'failed',
  'failed',
  'failed',
  'failed',
  'stale',
  'declined',
  'deadline',
  'lag',
  'watch-red',
  'lock-lost',
  'open',
  'leave',
  'go-on',
] as const

interface Draw {
  /** Below the history's own measure of trouble something else happens than that the newest step is done. */
  readonly dice: number
  readonly trouble: (typeof troubles)[number]
  /** A pulse is due before the step's end. */
  readonly ticks: boolean
  readonly seconds: number
  /** Which of the steps so far a stale answer belongs to. */
  readonly older: number
}

const draw: fc.Arbitrary<Draw> = fc.record({
  dice: fc.nat(99),
  trouble: fc.constantFrom(...troubles),
  ticks: fc.boolean(),
  seconds: fc.integer({ min: 1, max: 40 }),
  older: fc.nat(100),
})

const doneOf = ({ id, step }: Perform, state: RunState, now: number): Event => {
  const result = yieldOf(step, state, now)
  return { kind: 'done', id, now, ...(result === undefined ? {} : { result }) }
}

const troubleOf = ({ trouble, seconds, older }: Draw, log: readonly Perform[], state: RunState, now: number): Event => {
  const newest = log.at(-1) as Perform
  switch (trouble) {
    case 'failed':
      return { kind: 'failed', id: newest.id, now, error: 'fault' }
    case 'stale':
      return doneOf(log[older % log.length] as Perform, state, now)
    case 'declined':
      return { ...doneOf(newest, state, now), ...(newest.step.kind === 'ask' ? { result: { kind: 'answer', answer: 'open' } } : {}) } as Event
    case 'deadline':
      return { kind: 'deadline', now }
    case 'lag':
      return { kind: 'lag', ms: seconds * 250 }
    case 'watch-red':
    case 'lock-lost':
      return { kind: trouble, text: trouble }
    default:
      return { kind: 'interrupted', choice: trouble }
  }
}

/** Most answers are those of an outside that behaves: a run has some thirty steps, and half the rules speak of its last ones. */
const run = (percent: number, draws: readonly Draw[]): { state: RunState; log: Perform[] } => {
  let now = 0
  const log: Perform[] = []
  const take = ({ state, effects }: Transition): RunState => {
    log.push(...effects.filter((effect): effect is Perform => effect.kind === 'perform'))
    return state
  }
  let state = take(next(initialState(smallSteps(), config), { kind: 'start' }))
  for (const one of draws) {
    if (state.mode === 'finished') break
    now += one.seconds * 1_000
    if (one.ticks) state = take(next(state, { kind: 'tick', now }))
    const newest = log.at(-1) as Perform
    // The question's answer waits for a pulse in flight, and its pulse is the newest: both must be answered.
    const question = log.findLast(({ id }) => id === state.pending) ?? newest
    // An undo is short, and some rules are only met where a step of it fails.
    const event =
      one.dice < (state.mode === 'undo' ? 5 * percent : percent)
        ? troubleOf(one, log, state, now)
        : doneOf(newest.id < 0 && state.pulse === undefined ? question : newest, state, now)
    state = take(next(state, event))
  }
  return { state, log }
}

it('every history of events keeps the rules of a run, and each rule is met in some', () => {
  const met = new Map<string, number>()
  const meet = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1)
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 3, 6, 20), fc.array(draw, { minLength: 1, maxLength: 120, size: 'max' }), (percent, draws) => {
      const { state, log } = run(percent, draws)
      for (const [index, { step, state: at }] of log.entries()) {
        if (step.kind === 'write' && step.closes.length > 0) {
          meet('a closing write')
          expect(at.gate, 'what is closed before the commit is closed by an armed gate').toBeDefined()
        }
        if (step.kind === 'write') {
          meet('a write')
          for (const object of step.objects)
            expect(
              at.images.map(({ ref }) => ref.name),
              'it was in a checkpoint',
            ).toContain(object.metadata.name)
        }
        if (step.kind === 'commit') {
          meet('a commit')
          expect(log.slice(index - 2, index).map((one) => one.step.kind)).toEqual(['probe', 'gate-alive'])
        }
        if (at.mode === 'undo') {
          meet('an undo')
          expect(['open', 'see-open', 'restore', 'settle', 'verify', 'drop-open-set', 'unlock'], 'an undo never goes forward').toContain(step.kind)
        }
        if (step.kind === 'restore' && at.mayBeClosed) {
          meet('a restore of what may be closed')
          expect(
            log.slice(0, index).some((one) => one.step.kind === 'open'),
            'it opens before it takes anything away',
          ).toBe(true)
        }
        if (step.kind === 'renew') {
          meet('a renewal')
          expect(log[index - 1]?.step.kind, 'the last thing done was a green probe').toBe('probe')
        }
      }
      if (state.mode !== 'finished') return
      meet(`the end ${state.outcome?.kind}`)
      expect(state.outcome).toBeDefined()
      if (state.outcome?.kind === 'done') expect(state.committed).toBe(true)
      if (state.outcome?.kind === 'refused') expect(state.images).toEqual([])
    }),
    { numRuns: 3_000 },
  )
  const ends = ['done', 'refused', 'rolled-back', 'incomplete', 'left'].map((kind) => `the end ${kind}`)
  const rules = ['a write', 'a closing write', 'a commit', 'a renewal', 'an undo', 'a restore of what may be closed']
  expect([...ends, ...rules].filter((what) => (met.get(what) ?? 0) < 5)).toEqual([])
})
