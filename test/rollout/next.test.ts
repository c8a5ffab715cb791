import { describe, expect, it } from 'vitest'
import { confirmSteps } from '../../src/rollout/confirm-steps.ts'
import { initialState, next, type Transition } from '../../src/rollout/next.ts'
import { openingRollback } from '../../src/rollout/rollback-steps.ts'
import { deadlineOf, type Effect, type Event, type RunState } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'
import { outcomeError } from '../../src/ui/outcome-text.ts'
import { config, gate, smallPlan, smallSteps, yieldOf } from './fixtures.ts'

type Perform = Extract<Effect, { kind: 'perform' }>
const performs = (effects: readonly Effect[]): Perform[] => effects.filter((effect): effect is Perform => effect.kind === 'perform')

/** Drives the machine with an outside that behaves, up to the first step `stop` wants; returns the transition that performs it. */
const driveTo = (stop: (step: Step, state: RunState) => boolean, steps = smallSteps()): Transition & { perform: Perform; performed: string[] } => {
  const performed: string[] = []
  let now = 0
  let transition = next(initialState(steps, config), { kind: 'start' })
  for (let guard = 0; guard < 500; guard++) {
    const [perform] = performs(transition.effects)
    if (perform === undefined) throw new Error(`ended before the step: ${performed.join(', ')}`)
    if (stop(perform.step, transition.state)) return { ...transition, perform, performed }
    performed.push(perform.step.kind)
    now += 100
    const result = yieldOf(perform.step, transition.state, now)
    transition = next(transition.state, { kind: 'done', id: perform.id, now, ...(result === undefined ? {} : { result }) })
    if (transition.state.mode === 'finished') throw new Error(`finished: ${performed.join(', ')}`)
  }
  throw new Error('did not end')
}

/** Lets everything succeed from here on and returns what was performed. */
const finishFrom = (from: Transition): { state: RunState; performed: Step[] } => {
  const performed: Step[] = []
  let transition = from
  for (let guard = 0; guard < 500 && transition.state.mode !== 'finished'; guard++) {
    const perform = performs(transition.effects).find(({ id }) => id === transition.state.pending)
    if (perform === undefined) throw new Error('stuck: nothing to wait for')
    performed.push(perform.step)
    const result = yieldOf(perform.step, transition.state, 1_000)
    transition = next(transition.state, { kind: 'done', id: perform.id, now: 1_000, ...(result === undefined ? {} : { result }) })
  }
  return { state: transition.state, performed }
}

describe('a run that meets no trouble', () => {
  it('walks its steps in order and ends done', () => {
    const { state, performed } = finishFrom(next(initialState(smallSteps(), config), { kind: 'start' }))
    expect(state.outcome).toEqual({ kind: 'done' })
    expect(performed.map(({ kind }) => kind)).toEqual(smallSteps().map(({ kind }) => kind))
    expect(state).toMatchObject({ committed: true, gate: undefined, locked: false })
  })
})

describe('a step that fails', () => {
  it('ends refused, having only given the lock back, while nothing was written', () => {
    const at = driveTo((step) => step.kind === 'rehearse')
    const { state, performed } = finishFrom(next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: new Error('no controller') }))
    expect(performed.map(({ kind }) => kind)).toEqual(['unlock'])
    expect(state.outcome).toMatchObject({ kind: 'refused', reason: { kind: 'step-failed' } })
  })

  it('needs no opening before the first HostEndpoint: nothing can be closed', () => {
    const at = driveTo((step) => step.kind === 'arm')
    const { state, performed } = finishFrom(next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: new Error('x') }))
    expect(performed.map(({ kind }) => kind)).not.toContain('open')
    expect(state.outcome).toMatchObject({ kind: 'rolled-back' })
  })

  it('opens first, in the right order, once a HostEndpoint write was begun', () => {
    const at = driveTo((step) => step.kind === 'write' && step.closes.length > 0)
    const { state, performed } = finishFrom(next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: new Error('x') }))
    expect(performed.map(({ title }) => title)).toEqual([
      'open everything',
      'see it open',
      'restore HostEndpoints',
      'restore policies',
      'let Felix drop the policies',
      'restore the gate',
      'restore sets and Services',
      'restore failsafe ports',
      'wait until every Felix is back',
      'verify objects and probes',
      'remove the open set',
      'release the lock',
    ])
    expect(state.outcome).toMatchObject({ kind: 'rolled-back' })
  })

  it('of the undo itself is stepped over, told, and makes the end incomplete', () => {
    const at = driveTo((step) => step.kind === 'probe' && step.scope.closedNodes.length === 1)
    let transition = next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: new Error('red') })
    const failing = performs(transition.effects)[0]
    transition = next(transition.state, { kind: 'failed', id: failing?.id ?? 0, now: 0, error: new Error('API gone') })
    const { state } = finishFrom(transition)
    expect(state.outcome).toMatchObject({ kind: 'incomplete', remaining: [{ title: 'open everything' }] })
  })
})

describe('what a failure leaves', () => {
  const undone = (failing: RegExp) => {
    const at = driveTo((step) => step.kind === 'probe' && step.scope.closedNodes.length === 2)
    let transition = next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: 'red' })
    const performed: string[] = []
    for (let guard = 0; guard < 100 && transition.state.mode !== 'finished'; guard++) {
      const perform = performs(transition.effects)[0]
      if (perform === undefined) throw new Error('stuck')
      performed.push(perform.step.title)
      const end: Event = failing.test(perform.step.title)
        ? { kind: 'failed', id: perform.id, now: 0, error: 'refused' }
        : { kind: 'done', id: perform.id, now: 0 }
      transition = next(transition.state, end)
    }
    return { performed, outcome: transition.state.outcome }
  }

  // Found by exploring: without the base policy the open set opens nothing, and a HostEndpoint that stayed would close its node for good.
  it('keeps the policies and sets that open a HostEndpoint which could not be put back', () => {
    const { performed, outcome } = undone(/restore HostEndpoints/)
    expect(performed).not.toContain('restore policies')
    expect(performed).not.toContain('restore sets and Services')
    expect(performed).toContain('restore the gate')
    expect(outcome).toMatchObject({ kind: 'incomplete' })
  })

  it('goes on past everything else', () => {
    const { performed } = undone(/restore policies/)
    expect(performed).toEqual(expect.arrayContaining(['restore the gate', 'restore sets and Services', 'restore failsafe ports', 'release the lock']))
  })

  // Found by random faults in the lab: with the namespace went the before-images of what could not be restored.
  it('keeps the namespace and its checkpoints while a rollback to 0 has left anything', () => {
    const images = [{ ref: { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', name: 'default' }, before: null }]
    const own = { ...config, isRollback: true }
    const steps = openingRollback({ change: 2, to: 0, images, config: own })
    const endOf = (failing: string | undefined): string[] => {
      const performed: string[] = []
      let transition = next(initialState(steps, config), { kind: 'start' })
      while (transition.state.mode !== 'finished') {
        const perform = performs(transition.effects)[0]
        if (perform === undefined) throw new Error('stuck')
        performed.push(perform.step.title)
        const result = yieldOf(perform.step, transition.state, 0)
        transition = next(
          transition.state,
          perform.step.title === failing
            ? { kind: 'failed', id: perform.id, now: 0, error: 'edited' }
            : { kind: 'done', id: perform.id, now: 0, ...(result === undefined ? {} : { result }) },
        )
      }
      return performed.slice(-1)
    }
    expect(endOf(undefined)).toEqual(['remove namespace calico-fw'])
    expect(endOf('restore failsafe ports')).toEqual(['release the lock'])
  })

  it('is nothing where only the lock could not be given back: it runs out by itself, and the change is done', () => {
    const at = driveTo((step) => step.kind === 'unlock')
    const { state } = next(at.state, { kind: 'failed', id: at.perform.id, now: 0, error: 'no answer' })
    expect(state.outcome).toEqual({ kind: 'done' })
    expect(next(at.state, { kind: 'interrupted', choice: 'open' }).state).toBe(at.state)
  })

  it('of a confirm that is not kept is everything open, for the open set stays: what another client closed is not in its images', () => {
    const steps = confirmSteps({ change: 1, number: '1.9', deny: smallPlan(['a']).deny, finish: { write: [], remove: [] }, gate, closedNodes: ['a'] })
    const at = driveTo((step) => step.kind === 'ask', steps)
    const { performed, state } = finishFrom(next(at.state, { kind: 'done', id: at.perform.id, now: 0, result: { kind: 'answer', answer: 'open' } }))
    expect(performed.map(({ kind }) => kind)).toEqual(['open', 'see-open', 'restore', 'settle', 'verify', 'unlock'])
    expect(state.outcome).toMatchObject({ kind: 'rolled-back', opened: true })
  })
})

describe('while the gate is armed', () => {
  const armed = () => driveTo((step) => step.kind === 'probe' && step.scope.closedNodes.length === 2)

  it('the deadline turns the run round, and an alarm that came too early is set again', () => {
    const at = armed()
    const gate = at.state.gate
    if (gate === undefined) throw new Error('not armed')
    // Found in review: Node's timers may fire a millisecond early, and a third of the alarms were lost.
    const early = next(at.state, { kind: 'deadline', now: deadlineOf(gate) - 1 })
    expect([early.state === at.state, early.effects]).toEqual([true, [{ kind: 'alarm', at: deadlineOf(gate) }]])
    const turned = next(at.state, { kind: 'deadline', now: deadlineOf(gate) })
    expect(performs(turned.effects)[0]?.step.kind).toBe('open')
    expect(turned.state.reason?.kind).toBe('deadline')
  })

  it.each([
    [4_999, 'forward'],
    [5_001, 'undo'],
    [Number.POSITIVE_INFINITY, 'undo'],
  ])('a lag of %d ms leaves it %s', (ms, mode) => {
    expect(next(armed().state, { kind: 'lag', ms }).state.mode).toBe(mode)
  })

  it('Ctrl-C opens, leaves or goes on', () => {
    const at = armed()
    expect(performs(next(at.state, { kind: 'interrupted', choice: 'open' }).effects)[0]?.step.kind).toBe('open')
    expect(next(at.state, { kind: 'interrupted', choice: 'go-on' }).state).toBe(at.state)
    const left = finishFrom(next(at.state, { kind: 'interrupted', choice: 'leave' }))
    expect(left.performed.map(({ kind }) => kind)).toEqual(['unlock'])
    expect(left.state.outcome).toMatchObject({ kind: 'left', opensAt: expect.any(Number) })
  })

  it('a lifeline the watcher lost opens at once, whatever step is being done', () => {
    for (const at of [armed(), driveTo((step) => step.kind === 'ask'), driveTo((step) => step.kind === 'write' && step.closes.length > 0)]) {
      const turned = next(at.state, { kind: 'watch-red', text: 'the API at 192.168.218.189:7443 answered before and is silent now' })
      expect(turned.effects[0]?.kind).toBe('abort')
      expect(performs(turned.effects)[0]?.step.kind).toBe('open')
      expect(turned.state.reason).toEqual({ kind: 'watch-red', text: 'the API at 192.168.218.189:7443 answered before and is silent now' })
    }
  })

  it('a loss that is told before the gate is armed, or after the run turned round, changes nothing', () => {
    const red: Event = { kind: 'watch-red', text: 'x' }
    const before = driveTo((step) => step.kind === 'rehearse')
    expect(next(before.state, red)).toEqual({ state: before.state, effects: [] })
    const turned = next(armed().state, red)
    expect(next(turned.state, red)).toEqual({ state: turned.state, effects: [] })
    const kept = driveTo((step, state) => step.kind === 'probe' && state.committed)
    expect(next(kept.state, red).state).toBe(kept.state)
  })

  it('a lock lost to another stops every write at once', () => {
    const { state, effects } = next(armed().state, { kind: 'lock-lost', text: 'held by bob' })
    expect(state.outcome).toMatchObject({ kind: 'left', reason: { kind: 'lock-lost' } })
    expect(performs(effects)).toEqual([])
  })
})

describe('the keep question', () => {
  const asking = () => driveTo((step) => step.kind === 'ask')

  it('renews only by a pulse, for ten minutes at most', () => {
    const at = asking()
    let transition = next(at.state, { kind: 'tick', now: 1_000 })
    let pulses = 0
    for (let now = 1_000; now <= 700_000; now += 30_000) {
      const pulse = performs(transition.effects).find(({ step }) => step.kind === 'pulse')
      if (pulse !== undefined) {
        pulses++
        const result = yieldOf(pulse.step, transition.state, now)
        transition = next(transition.state, { kind: 'done', id: pulse.id, now, ...(result === undefined ? {} : { result }) })
      }
      transition = next(transition.state, { kind: 'tick', now: now + 30_000 })
    }
    expect(pulses).toBe(20)
    expect(transition.state.mode).toBe('forward')
  })

  it('a red pulse opens although nobody has answered', () => {
    const at = asking()
    const ticked = next(at.state, { kind: 'tick', now: 30_000 })
    const pulse = performs(ticked.effects)[0]
    expect(performs(next(ticked.state, { kind: 'failed', id: pulse?.id ?? 0, now: 0, error: new Error('red') }).effects)[0]?.step.kind).toBe('open')
  })

  it('an answer after the run turned round is stale and changes nothing', () => {
    const at = asking()
    const turned = next(at.state, { kind: 'deadline', now: 10_000_000 })
    const late = next(turned.state, { kind: 'done', id: at.perform.id, now: 1, result: { kind: 'answer', answer: 'keep' } })
    expect(late).toEqual({ state: turned.state, effects: [] })
  })
})

describe('Ctrl-C after the commit', () => {
  const kept = driveTo(({ title }) => title === 'probe under the lasting Deny')

  // Found in review: it stopped there, kept, and said that nothing was closed.
  it.each(['commit', 'probe'])('is no leaving: nothing is armed any more (during %s)', (kind) => {
    const at = kind === 'probe' ? kept : driveTo((step) => step.kind === kind)
    expect(next(at.state, { kind: 'interrupted', choice: 'leave' }).state).toBe(at.state)
  })

  it('can still undo everything, and a lock that is lost then is told for what it leaves', () => {
    expect(next(kept.state, { kind: 'interrupted', choice: 'open' }).state.mode).toBe('undo')
    const { outcome } = next(kept.state, { kind: 'lock-lost', text: 'bob has it' }).state
    expect(outcome).toMatchObject({ kind: 'left', kept: true, opensAt: undefined })
    expect(String(outcome && outcomeError(outcome))).toContain('it is kept, and its last checks were not made')
  })
})

it('a gate that is found is watched as one that was armed', () => {
  const steps = confirmSteps({ change: 1, number: '1.9', deny: smallPlan(['a']).deny, finish: { write: [], remove: [] }, gate, closedNodes: ['a'] })
  const at = driveTo((step) => step.kind === 'find-gate', steps)
  const result = yieldOf(at.perform.step, at.state, 0)
  const { effects } = next(at.state, { kind: 'done', id: at.perform.id, now: 0, ...(result === undefined ? {} : { result }) })
  expect(effects).toContainEqual({ kind: 'canary', on: true })
})
