import type { KubeObject } from '../calico/object.ts'
import type { BeforeImage } from './checkpoint.ts'
import type { GateObjects, Step } from './steps.ts'

/** An armed gate as this client knows it. Times are readings of the monotonic clock, in milliseconds. */
export interface ArmedGate {
  readonly objects: GateObjects
  readonly jobUid: string
  readonly setUid: string
  /** Before the Job was created, so the cluster's own deadline is never earlier than we think. */
  readonly armedAt: number
  /** The Job's activeDeadlineSeconds as last read back. */
  readonly seconds: number
}

/** When the cluster opens by itself, on the monotonic clock, if nobody renews and controllers are prompt. */
export const deadlineOf = (gate: ArmedGate): number => gate.armedAt + gate.seconds * 1000

/** Why a run turned round, or stopped. */
export interface Reason {
  readonly kind: 'step-failed' | 'deadline' | 'lag' | 'interrupted' | 'declined' | 'lock-lost' | 'watch-red'
  readonly text: string
  readonly error?: unknown
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Nothing had been written, or only the lock. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  /** `opened`: it was another client's trial, which was opened and not put back. */
  | { readonly kind: 'rolled-back'; readonly reason: Reason; readonly opened?: true }
  /** Some undo steps failed; these are left. */
  | { readonly kind: 'incomplete'; readonly reason: Reason; readonly remaining: readonly { readonly title: string; readonly error: unknown }[] }
  /** The operator chose to leave it armed, or the lock is another's: the cluster opens by itself. */
  | { readonly kind: 'left'; readonly reason: Reason; readonly opensAt: number | undefined; readonly kept?: true }

/** Everything {@link next} decides from. A plain value: what is explored in tests is what runs. */
export interface RunState {
  readonly config: RunConfig
  /** The trial it keeps is another client's, whose gate it finds: not kept it is opened, and a rollback puts back what that one wrote. */
  readonly ofAnother: boolean
  readonly mode: 'forward' | 'undo' | 'finished'
  readonly steps: readonly Step[]
  /** Index of the step being performed. */
  readonly at: number
  /** The effect whose answer we wait for; answers of older ones are stale and dropped. */
  readonly pending: number
  /** A pulse in flight beside a question. */
  readonly pulse: number | undefined
  /** How many pulses there have been. */
  readonly pulses: number
  readonly askedAt: number | undefined
  /** The operator has said keep while a pulse was in flight: what comes next waits for it, for it moves the deadline. */
  readonly keeps: boolean
  readonly locked: boolean
  readonly gate: ArmedGate | undefined
  readonly committed: boolean
  /** True from the first closing write until it is seen open: a crash in between may have closed something. */
  readonly mayBeClosed: boolean
  readonly images: readonly BeforeImage[]
  readonly reason: Reason | undefined
  readonly remaining: readonly { readonly title: string; readonly error: unknown }[]
  readonly outcome: Outcome | undefined
}

/** What a run is given besides its steps. */
export interface RunConfig {
  readonly change: number
  /** Seconds from arming or the last renewal until the cluster opens by itself. */
  readonly windowSeconds: number
  /** Longest lag of the cluster's controllers we go on with, in milliseconds. */
  readonly maxLagMs: number
  /** How long a waiting question may be renewed for, in milliseconds: ten minutes. */
  readonly maxQuestionMs: number
  /** What opening writes. */
  readonly openSet: KubeObject
  /** The open set was there before the run: an undo leaves it, since dropping it would close. */
  readonly opened: boolean
  /** The rollback verb itself: a failure of its forward steps is not undone, it is reported. */
  readonly isRollback: boolean
  /** It opens everything first and closes again on trial: its undo, too, must take the open set away. */
  readonly opensFirst?: true
}

/** What happens to a run. `now` is the monotonic clock. */
export type Event =
  | { readonly kind: 'start' }
  | { readonly kind: 'done'; readonly id: number; readonly now: number; readonly result?: StepResult }
  | { readonly kind: 'failed'; readonly id: number; readonly now: number; readonly error: unknown }
  /** The alarm at the gate's deadline. */
  | { readonly kind: 'deadline'; readonly now: number }
  /** The canary's set outlived its own deadline by this much. */
  | { readonly kind: 'lag'; readonly ms: number }
  | { readonly kind: 'lock-lost'; readonly text: string }
  /** The watcher lost a life line, twice in a row; the text names it. */
  | { readonly kind: 'watch-red'; readonly text: string; readonly error?: unknown }
  /** The operator answered Ctrl-C. */
  | { readonly kind: 'interrupted'; readonly choice: 'open' | 'leave' | 'go-on' }
  /** Time for a pulse while a question waits. */
  | { readonly kind: 'tick'; readonly now: number }

/** What performing a step yields besides success. */
export type StepResult =
  | { readonly kind: 'images'; readonly images: readonly BeforeImage[] }
  | { readonly kind: 'gate'; readonly gate: ArmedGate }
  | { readonly kind: 'answer'; readonly answer: 'keep' | 'open' | 'leave' }

/** What the runner is to do. */
export type Effect =
  | { readonly kind: 'perform'; readonly id: number; readonly step: Step; readonly state: RunState }
  /** Abort whatever is in flight; its answer will be stale. */
  | { readonly kind: 'abort' }
  /** Raise `deadline` at this reading of the clock; replaces the last alarm, undefined cancels it. */
  | { readonly kind: 'alarm'; readonly at: number | undefined }
  /** Measure the controllers' lag with canaries from now on, or stop. */
  | { readonly kind: 'canary'; readonly on: boolean }
  /** Raise `tick` after this many milliseconds. */
  | { readonly kind: 'tick'; readonly ms: number }
