import { next } from '../../src/rollout/next.ts'
import type { Effect } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'
import type { Scenario } from './scenarios.ts'
import type { Machine } from './world.ts'

/** A mistake this protocol could have, put into its steps or into its machine. */
export interface Bug {
  readonly name: string
  /** What the exploration has to say of it. */
  readonly broken: RegExp
  readonly machine?: Machine
  readonly steps?: (steps: readonly Step[]) => readonly Step[]
}

const without =
  (holds: (step: Step, after: Step | undefined) => boolean) =>
  (steps: readonly Step[]): Step[] =>
    steps.filter((step, at) => !holds(step, steps[at + 1]))

/** Mistakes the design warns of, and one that was found by exploring. */
export const bugs: readonly Bug[] = [
  {
    name: 'a deadline is renewed without a probe',
    broken: /renewed without a green probe/,
    steps: without((step, after) => step.kind === 'probe' && after?.kind === 'renew'),
  },
  {
    name: 'HostEndpoints are written without a before-image',
    broken: /without a before-image/,
    steps: without((step) => step.kind === 'checkpoint' && step.refs.some(({ kind }) => kind === 'HostEndpoint')),
  },
  {
    name: 'a change is kept without a look at the gate',
    broken: /commit without a look/,
    steps: without((step, after) => step.kind === 'gate-alive' && after?.kind === 'commit'),
  },
  {
    name: 'the gate is disarmed before the change is kept',
    broken: /commit without a gate/,
    steps: (steps) => {
      const disarm = steps.filter(({ kind }) => kind === 'disarm')
      return steps.flatMap((step) => (step.kind === 'disarm' ? [] : step.kind === 'commit' ? [...disarm, step] : [step]))
    },
  },
  {
    name: 'an undo takes away before it opens',
    broken: /takes away before it has opened/,
    machine: (state, event) => {
      const turned = next(state, event)
      if (state.mode === 'undo' || turned.state.mode !== 'undo' || turned.state.outcome !== undefined) return turned
      const { steps } = turned.state
      const isOpening = ({ kind }: Step) => kind === 'open' || kind === 'see-open'
      const first = steps.findIndex(({ kind }) => kind === 'verify')
      if (!steps.some(isOpening) || first < 0) return turned
      const late = [...steps.slice(0, first).filter((step) => !isOpening(step)), ...steps.filter(isOpening), ...steps.slice(first)]
      const reordered = { ...turned.state, steps: late }
      const swap = (effect: Effect): Effect =>
        effect.kind === 'perform' ? { ...effect, step: late[0] ?? effect.step, state: { ...effect.state, steps: late } } : effect
      return { state: reordered, effects: turned.effects.map(swap) }
    },
  },
  {
    name: 'nodes close before the policy that lets them reach each other',
    broken: /lifelines are cut/,
    steps: (steps) => {
      const isBase = (step: Step) => step.kind === 'write' && step.title === 'write policies'
      const gateOnly = (step: Step): Step => (step.kind === 'write' ? { ...step, objects: step.objects.slice(1) } : step)
      return steps.map((step) => (isBase(step) ? gateOnly(step) : step))
    },
  },
  {
    name: 'a client goes on writing when its lock is another’s',
    broken: /without the lock/,
    machine: (state, event) => (event.kind === 'lock-lost' ? { state: { ...state, locked: false }, effects: [] } : next(state, event)),
  },
  {
    name: 'policies go although a HostEndpoint stayed',
    broken: /an undo closes|lifelines are cut/,
    machine: (state, event) => next({ ...state, remaining: state.remaining.filter(({ title }) => title !== 'restore HostEndpoints') }, event),
  },
]

/** A scenario with a bug in its steps. */
export const withBug = (scenario: Scenario, { steps = (all) => all }: Bug): Scenario => ({ ...scenario, steps: steps(scenario.steps) })
