import { performable } from './performable.ts'
import { deadlineOf, type Effect, type Event, type Outcome, type Reason, type RunConfig, type RunState, type StepResult } from './state.ts'
import type { Step } from './steps.ts'
import { undoSteps } from './undo-steps.ts'

/** A state and what to do about it. */
export interface Transition {
  readonly state: RunState
  readonly effects: readonly Effect[]
}

/** The state a run begins in. */
export const initialState = (steps: readonly Step[], config: RunConfig): RunState => ({
  config,
  ofAnother: steps.some(({ kind }) => kind === 'find-gate'),
  mode: 'forward',
  steps,
  at: 0,
  pending: 0,
  pulse: undefined,
  pulses: 0,
  askedAt: undefined,
  keeps: false,
  locked: false,
  gate: undefined,
  committed: false,
  mayBeClosed: false,
  images: [],
  reason: undefined,
  remaining: [],
  outcome: undefined,
})

/**
 * The whole protocol: given where a run stands and what happened, where it stands then and what the runner is to do.
 * Pure and total: no event in any state throws, and events that no longer matter change nothing.
 */
export const next = (state: RunState, event: Event): Transition => {
  if (state.mode === 'finished') return { state, effects: [] }
  switch (event.kind) {
    case 'start':
      return perform(state, 0)
    case 'done':
      if (event.id === state.pulse) return pulsed(state, event.now, event.result)
      return event.id === state.pending ? advance(state, event.now, event.result) : { state, effects: [] }
    case 'failed':
      return failed(state, event)
    case 'deadline':
      if (state.mode !== 'forward' || state.gate === undefined || state.committed) return { state, effects: [] }
      // Of a deadline that was moved meanwhile, or of a timer that fired early: Node's may, by a millisecond.
      if (event.now < deadlineOf(state.gate)) return { state, effects: [{ kind: 'alarm', at: deadlineOf(state.gate) }] }
      return turnRound(state, { kind: 'deadline', text: 'the window ended before the change was confirmed' })
    case 'lag':
      if (state.mode !== 'forward' || state.gate === undefined || state.committed || event.ms <= state.config.maxLagMs) return { state, effects: [] }
      return turnRound(state, {
        kind: 'lag',
        text: `the cluster's controllers lag ${Math.round(event.ms / 1000)} s behind: they would open it too late if this client died`,
      })
    case 'watch-red':
      if (state.mode !== 'forward' || state.gate === undefined || state.committed || state.config.isRollback) return { state, effects: [] }
      return turnRound(state, { kind: 'watch-red', text: event.text, ...(event.error === undefined ? {} : { error: event.error }) })
    case 'lock-lost':
      return lockLost(state, event.text)
    case 'interrupted':
      return interrupted(state, event.choice)
    case 'tick':
      return tick(state, event.now)
  }
}

/** Nothing is armed any more: no deadline to be told of, no lag to measure. */
const watchNoMore: readonly Effect[] = [
  { kind: 'alarm', at: undefined },
  { kind: 'canary', on: false },
]

/** Performs the step at `at`, or ends the run where the list ends. */
const perform = (state: RunState, at: number): Transition => {
  const step = performable(state, at)
  if (step === undefined) return finish(state)
  if ('skip' in step) return perform(skipped(state, at, step.skip), at + 1)
  const id = state.pending + 1
  const entered: RunState = {
    ...state,
    at,
    pending: id,
    pulse: undefined,
    askedAt: undefined,
    keeps: false,
    mayBeClosed: state.mayBeClosed || ((step.kind === 'write' || step.kind === 'remove') && step.closes.length > 0) || step.kind === 'commit',
  }
  const effects: Effect[] = [{ kind: 'perform', id, step, state: entered }]
  if (step.kind === 'ask') effects.push({ kind: 'tick', ms: pulseEvery(state.config) })
  return { state: entered, effects }
}

const skipped = (state: RunState, at: number, error: string): RunState => ({
  ...state,
  remaining: [...state.remaining, { title: state.steps[at]?.title ?? '', error }],
})

/** A third of the window: two pulses may be lost before the deadline comes. */
const pulseEvery = (config: RunConfig): number => (config.windowSeconds * 1000) / 3

const advance = (state: RunState, now: number, result: StepResult | undefined): Transition => {
  const step = state.steps[state.at]
  if (step === undefined) return finish(state)
  const { state: folded, effects } = fold(state, step, now, result)
  if (step.kind === 'ask' && result?.kind === 'answer' && result.answer !== 'keep') return declined(folded, result.answer)
  if (step.kind === 'ask' && state.pulse !== undefined) return { state: { ...folded, keeps: true }, effects }
  const moved = perform(folded, state.at + 1)
  return { state: moved.state, effects: [...effects, ...moved.effects] }
}

/** What a finished step changes in what we know. */
const fold = (state: RunState, step: Step, now: number, result: StepResult | undefined): Transition => {
  if (result?.kind === 'images') return { state: { ...state, images: [...state.images, ...result.images] }, effects: [] }
  // What another client armed is closed already.
  if (result?.kind === 'gate')
    return armed(
      { ...state, gate: result.gate, mayBeClosed: state.mayBeClosed || step.kind === 'find-gate' },
      step.kind === 'arm' || step.kind === 'find-gate',
    )
  switch (step.kind) {
    case 'lock':
      return { state: { ...state, locked: true }, effects: [] }
    case 'unlock':
    case 'remove-namespace':
      return { state: { ...state, locked: false }, effects: [] }
    case 'ask':
      return { state: { ...state, askedAt: now }, effects: [] }
    case 'commit':
      return {
        state: { ...state, committed: true },
        effects: watchNoMore,
      }
    case 'disarm':
      return {
        state: { ...state, gate: undefined },
        effects: watchNoMore,
      }
    case 'open':
      return { state: { ...state, gate: undefined }, effects: [] }
    case 'see-open':
      return { state: { ...state, mayBeClosed: false }, effects: [] }
    default:
      return { state, effects: [] }
  }
}

const armed = (state: RunState, first: boolean): Transition => ({
  state,
  effects: [{ kind: 'alarm', at: state.gate && deadlineOf(state.gate) }, ...(first ? [{ kind: 'canary', on: true } as const] : [])],
})

/** A renewal that came back while the question still waits, or after its answer that waited for it. */
const pulsed = (state: RunState, now: number, result: StepResult | undefined): Transition => {
  const { state: renewed, effects } = result?.kind === 'gate' ? armed({ ...state, gate: result.gate }, false) : { state, effects: [] }
  if (state.keeps) {
    const moved = perform(renewed, state.at + 1)
    return { state: moved.state, effects: [...effects, ...moved.effects] }
  }
  const askedAt = state.askedAt ?? now
  return { state: { ...renewed, pulse: undefined, askedAt }, effects: [...effects, { kind: 'tick', ms: pulseEvery(state.config) }] }
}

/** Probes and renews beside a waiting question, for ten minutes at most: then nobody renews and the cluster opens. */
const tick = (state: RunState, now: number): Transition => {
  const step = state.steps[state.at]
  if (state.mode !== 'forward' || step?.kind !== 'ask' || state.pulse !== undefined || state.gate === undefined) return { state, effects: [] }
  const askedAt = state.askedAt ?? now
  if (now - askedAt >= state.config.maxQuestionMs) return { state, effects: [] }
  // Ids below zero belong to pulses, so that a pulse and its question never share one.
  const id = -(state.pulses + 1)
  const pulse: Step = { kind: 'pulse', title: 'probe and renew while the question waits', scope: step.scope }
  const asked = { ...state, askedAt, pulse: id, pulses: state.pulses + 1 }
  return { state: asked, effects: [{ kind: 'perform', id, step: pulse, state: asked }] }
}

const failed = (state: RunState, { id, now, error }: Extract<Event, { kind: 'failed' }>): Transition => {
  if (id !== state.pending && id !== state.pulse) return { state, effects: [] }
  const step = state.steps[state.at]
  // The change is done; a lock that could not be given back runs out by itself.
  if (id === state.pending && step?.kind === 'unlock' && state.mode === 'forward') return advance(state, now, undefined)
  const title = id === state.pulse ? 'probe while the question waits' : (step?.title ?? 'step')
  // An undo goes on past a step that failed: each one it can still do opens more. What is left is told at the end.
  const isRestoring = state.mode === 'undo' || (state.config.isRollback && state.images.length > 0)
  if (isRestoring) return perform({ ...state, remaining: [...state.remaining, { title, error }] }, state.at + 1)
  return turnRound(state, { kind: 'step-failed', text: `${title} failed`, error })
}

const declined = (state: RunState, answer: 'open' | 'leave'): Transition =>
  answer === 'open'
    ? turnRound(state, { kind: 'declined', text: 'the operator chose not to keep it' })
    : leave(state, 'the operator left it on trial')

const interrupted = (state: RunState, choice: 'open' | 'leave' | 'go-on'): Transition => {
  // What is kept, or being kept, is armed no more: it cannot be left to open by itself.
  if (choice === 'leave' && (state.committed || state.steps[state.at]?.kind === 'commit')) return { state, effects: [] }
  // A rollback is already on its way to open; turning it round would close again. A run that gives the lock back has done what it was to do.
  if (choice === 'go-on' || state.mode !== 'forward' || state.steps[state.at]?.kind === 'unlock' || (choice === 'open' && state.config.isRollback))
    return { state, effects: [] }
  return choice === 'open'
    ? turnRound(state, { kind: 'interrupted', text: 'interrupted by the operator' })
    : leave(state, 'interrupted by the operator')
}

/** Stops writing. What is armed opens by itself; what is not armed closes nothing. */
const leave = (state: RunState, text: string): Transition => stop(state, { kind: 'interrupted', text })

/** Another writer owns the cluster now: not one more write, not even an opening one. */
const lockLost = (state: RunState, text: string): Transition => stop({ ...state, locked: false }, { kind: 'lock-lost', text })

const stop = (state: RunState, reason: Reason): Transition => {
  const opensAt = state.gate && !state.committed ? deadlineOf(state.gate) : undefined
  const outcome: Outcome = { kind: 'left', reason, opensAt, ...(state.committed ? { kept: true } : {}) }
  const halted = [{ kind: 'abort' } as const, ...watchNoMore]
  if (!state.locked) return { state: { ...state, mode: 'finished', reason, outcome }, effects: halted }
  const last = perform({ ...state, mode: 'undo', steps: [{ kind: 'unlock', title: 'release the lock' }], reason, outcome }, 0)
  return { state: last.state, effects: [...halted, ...last.effects] }
}

/** Forward no more: open what may be closed, then put everything back. */
const turnRound = (state: RunState, reason: Reason): Transition => {
  const undoing: RunState = { ...state, mode: 'undo', steps: undoSteps(state), reason }
  const first = perform(undoing, 0)
  return { state: first.state, effects: [{ kind: 'abort' }, ...watchNoMore, ...first.effects] }
}

const finish = (state: RunState): Transition => {
  const outcome = state.outcome ?? outcomeOf(state)
  return {
    state: { ...state, mode: 'finished', outcome },
    effects: watchNoMore,
  }
}

const outcomeOf = (state: RunState): Outcome => {
  const reason = state.reason ?? { kind: 'step-failed', text: state.remaining[0]?.title ?? '' }
  if (state.remaining.length > 0) return { kind: 'incomplete', reason, remaining: state.remaining }
  if (state.mode === 'forward') return { kind: 'done' }
  if (state.images.length === 0) return { kind: 'refused', reason }
  return { kind: 'rolled-back', reason, ...(state.ofAnother ? { opened: true } : {}) }
}
