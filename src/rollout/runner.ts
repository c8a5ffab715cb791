import { setMaxListeners } from 'node:events'
import { initialState, next } from './next.ts'
import { watchLag } from './perform/canary.ts'
import type { PerformContext, RunMemory } from './perform/context.ts'
import { createLock } from './perform/lock.ts'
import { perform } from './perform/perform.ts'
import { notRealised } from './perform/realised.ts'
import { watchLifeLines } from './perform/watch.ts'
import { watchFelixes } from './perform/watch-felixes.ts'
import { watchFromNodes } from './perform/watch-from-nodes.ts'
import type { RolloutPorts, RunSubject } from './ports.ts'
import { deadlineOf, type Effect, type Event, type Outcome, type RunConfig, type RunState } from './state.ts'
import type { Step } from './steps.ts'

/** An API call in flight ends by its own deadline; longer than that an undo does not wait for it. */
const settlesWithinMs = 15_000

/** Many calls listen to one run's signal, and that is no leak: Node would warn the user at the eleventh. */
const unleashed = (): AbortController => {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Aborts with any of them. It is as many calls' signal as a run's is, and Node does not hand the limit down. */
const either = (...signals: AbortSignal[]): AbortSignal => {
  const signal = AbortSignal.any(signals)
  setMaxListeners(0, signal)
  return signal
}

/** A run in progress. */
export interface Run {
  /** Resolves when it has ended, whatever the end. Rejects only for a bug of ours. */
  readonly ended: Promise<Outcome>
  /** The operator's answer to Ctrl-C. */
  interrupt(choice: 'open' | 'leave' | 'go-on'): void
  /** Whether the commit is written: no deadline opens it any more. */
  isKept(): boolean
  /** Monotonic reading at which the cluster opens by itself, while a gate is armed. */
  opensAt(): number | undefined
}

/** Performs what {@link next} asks for, and feeds it what happens, one event at a time. */
export const startRun = (steps: readonly Step[], config: RunConfig, subject: RunSubject, ports: RolloutPorts): Run => {
  const { clock, report } = ports
  let state: RunState = initialState(steps, config)
  let flight = unleashed()
  let aborted: readonly Promise<void>[] = []
  let canary: AbortController | undefined
  let alarm: AbortController | undefined
  const whole = unleashed()
  const queue: Event[] = []
  let draining = false
  let resolveEnd: (outcome: Outcome) => void = () => undefined
  const ended = new Promise<Outcome>((resolve) => {
    resolveEnd = resolve
  })

  const lock = createLock({
    api: ports.api,
    clock,
    holder: ports.holder,
    step: () => state.steps[state.at]?.title ?? '',
    signal: whole.signal,
    lost: (text) => raise({ kind: 'lock-lost', text }),
  })
  const memory: RunMemory = { baseline: [], since: clock.wall(), seen: new Map(), unanswered: new Set(), rounds: 0, owed: new Set() }
  const flying = new Set<Promise<void>>()
  const contextNow = (): PerformContext => ({
    ports,
    subject,
    config,
    lock,
    memory,
    signal: flight.signal,
    images: () => state.images,
    settled: async () => {
      await Promise.race([Promise.allSettled(aborted), clock.sleep(settlesWithinMs)])
    },
  })

  const raise = (event: Event): void => {
    queue.push(event)
    if (draining) return
    draining = true
    try {
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) step(one)
    } finally {
      draining = false
    }
  }

  const step = (event: Event): void => {
    const before = state
    const transition = next(state, event)
    state = transition.state
    if (before.mode === 'forward' && state.mode === 'undo' && state.reason !== undefined && state.outcome === undefined)
      report({ kind: 'undo', reason: state.reason })
    if (event.kind === 'lag') report({ kind: 'lag', ms: event.ms })
    for (const effect of transition.effects) act(effect)
    if (before.mode !== 'finished' && state.mode === 'finished' && state.outcome !== undefined) {
      whole.abort()
      report({ kind: 'end', outcome: state.outcome })
      resolveEnd(state.outcome)
    }
  }

  const act = (effect: Effect): void => {
    switch (effect.kind) {
      case 'perform':
        fly(performOne(effect.id, effect.step, effect.state, contextNow()))
        return
      case 'abort':
        aborted = [...flying]
        flight.abort()
        flight = unleashed()
        return
      case 'alarm':
        setAlarm(effect.at)
        return
      case 'canary':
        setCanary(effect.on)
        return
      case 'tick':
        void clock.sleep(effect.ms, whole.signal).then(
          () => raise({ kind: 'tick', now: clock.now() }),
          () => undefined,
        )
    }
  }

  const fly = (performing: Promise<void>): void => {
    flying.add(performing)
    void performing.finally(() => flying.delete(performing))
  }

  const performOne = async (id: number, one: Step, at: RunState, context: PerformContext): Promise<void> => {
    const begun = clock.now()
    const isShown = () => id > 0 && state.pending === id
    // The transition that asked for this step is complete only after it returns; performing begins a turn later.
    await Promise.resolve()
    if (context.signal.aborted) return
    if (isShown()) report({ kind: 'step', at: at.at, of: at.steps.length, step: one, mode: at.mode === 'undo' ? 'undo' : 'forward' })
    try {
      const result = await perform(context, one, at)
      if (isShown()) report({ kind: 'step-done', step: one, ms: clock.now() - begun })
      raise({ kind: 'done', id, now: clock.now(), ...(result === undefined ? {} : { result }) })
    } catch (error) {
      if (isShown()) report({ kind: 'step-failed', step: one, error })
      raise({ kind: 'failed', id, now: clock.now(), error })
    }
  }

  const setAlarm = (at: number | undefined): void => {
    alarm?.abort()
    alarm = undefined
    report({ kind: 'deadline', opensInMs: at === undefined ? undefined : at - clock.now() })
    if (at === undefined) return
    const mine = new AbortController()
    alarm = mine
    void clock.sleep(Math.max(0, at - clock.now()), either(mine.signal, whole.signal)).then(
      () => raise({ kind: 'deadline', now: clock.now() }),
      () => undefined,
    )
  }

  const setCanary = (on: boolean): void => {
    canary?.abort()
    canary = undefined
    if (!on || state.gate === undefined) return
    const mine = new AbortController()
    canary = mine
    void watchLag(ports.api, clock, state.gate.objects, {
      name: (n) => `canary-${config.change}-${n}`,
      signal: either(mine.signal, whole.signal),
      lag: (ms) => raise({ kind: 'lag', ms }),
    })
    // The watches live as long as the canary does: while something may be closed by the gate alone.
    watchEverything(either(mine.signal, whole.signal))
  }

  const watchEverything = (signal: AbortSignal): void => {
    const red = (text: string, error?: unknown): void => raise({ kind: 'watch-red', text, ...(error === undefined ? {} : { error }) })
    const unwatched = (error: unknown): void => {
      if (!signal.aborted) red('the cluster cannot be watched any more', error)
    }
    const { felixes, follow, prober } = ports
    const { probes } = subject
    const baseline = () => memory.baseline
    void watchLifeLines({ prober, clock, probes, baseline, closedNodes: () => closedBy(state), since: () => memory.since, signal, red })
    if (follow !== undefined) void watchFromNodes({ follow, probes, baseline: memory.baseline, signal, red }).catch(unwatched)
    if (felixes !== undefined)
      void watchFelixes({ felixes, clock, signal, red: (seen) => red('a Felix does not do its work', notRealised([seen])) }).catch(unwatched)
  }

  raise({ kind: 'start' })
  return {
    ended,
    interrupt: (choice) => raise({ kind: 'interrupted', choice }),
    isKept: () => state.committed,
    opensAt: () => (state.gate === undefined || state.committed ? undefined : deadlineOf(state.gate)),
  }
}

/** Nodes whose closing write was begun. */
const closedBy = ({ steps, at }: RunState): string[] =>
  steps.slice(0, at + 1).flatMap((step) => (step.kind === 'write' || step.kind === 'remove' ? step.closes : []))
