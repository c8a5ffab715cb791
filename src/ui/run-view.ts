import type { Judgement } from '../firewall/probes/judge.ts'
import type { Clock } from '../rollout/clock.ts'
import type { Progress } from '../rollout/ports.ts'
import type { Step } from '../rollout/steps.ts'
import type { Board } from './board.ts'
import { sentenceOf } from './error-text.ts'
import { probesInBrief } from './probes-text.ts'
import { safeLine } from './safe-text.ts'
import { folded, stageAt, stagesOf, undoStageOf, undoStages } from './stages.ts'

/** What a round of probes found, and of how many. */
interface Probes {
  readonly judgement: Judgement
  readonly of: number
}

/** Shows a run while it goes on. */
export interface RunView {
  report(progress: Progress): void
  /** Frees the terminal for a question, until {@link RunView.resume}. */
  pause(why: string): Promise<void>
  /** Goes on showing the step at work. */
  resume(): void
  /** Ends the view; resolves once everything is on the screen. */
  end(): Promise<void>
  /** Whether the way back has begun. */
  undoing(): boolean
  /** The last round of probes, and of how many. */
  probes(): Probes | undefined
}

/** What a view is made with. `board` makes a new list of tasks: the first `offset` of `of` stages were shown before. */
export interface RunViewOptions {
  readonly steps: readonly Step[]
  readonly clock: Clock
  /** Lines of the screen; undefined where there is none. */
  readonly rows?: number | undefined
  readonly board: (titles: readonly string[], offset: number, of: number) => Board | Promise<Board>
}

/** Lines of the screen that no stage has: what the stage at work says, and the cursor's. */
const otherLines = 3

/** How often the seconds until the cluster opens are told anew, in milliseconds. */
const tickMs = 1_000

/** A view over boards: one for the way forward, one for the way back, and a new one after each question. */
export const createRunView = ({ steps, clock, board, rows = Number.POSITIVE_INFINITY }: RunViewOptions): RunView => {
  const forward = folded(stagesOf(steps), rows - otherLines)
  let mode: 'forward' | 'undo' = 'forward'
  let stage = 0
  let wayBack: readonly string[] = undoStages
  let asking = false
  let paused = false
  let step: Step | undefined
  let opensAt: number | undefined
  let seen: Probes | undefined
  let current: { readonly board: Promise<Board>; readonly offset: number } | undefined
  let ticking: AbortController | undefined
  // Boards come and go asynchronously; everything said to them stays in order.
  let tail: Promise<void> = Promise.resolve()

  const titles = (): readonly string[] => (mode === 'forward' ? forward.map(({ title }) => title) : wayBack)
  const inOrder = (work: (to: Board, offset: number) => void | Promise<void>): void => {
    const at = current
    if (at === undefined) return
    tail = tail.then(async () => work(await at.board, at.offset))
  }
  const open = (): void => {
    if (current !== undefined || paused) return
    const all = titles()
    const offset = stage
    const before = tail
    current = {
      board: before.then(() =>
        board(
          all.slice(offset).map((title) => safeLine(title)),
          offset,
          all.length,
        ),
      ),
      offset,
    }
    startTicking()
  }
  const close = (brokenOff?: string): void => {
    ticking?.abort()
    ticking = undefined
    inOrder((to) => to.close(brokenOff))
    current = undefined
  }
  /** From here on the way back is shown, which has stages of its own. */
  const turnRound = (why?: string): void => {
    close(why)
    mode = 'undo'
    stage = 0
    seen = undefined
  }
  const startTicking = (): void => {
    const mine = new AbortController()
    ticking = mine
    const tick = async (): Promise<void> => {
      while (!mine.signal.aborted) {
        await clock.sleep(tickMs, mine.signal)
        say()
      }
    }
    tick().catch(() => undefined)
  }
  const say = (): void => {
    const saying = {
      step: step === undefined ? undefined : safeLine(titleOf(step)),
      probes: seen === undefined ? undefined : probesInBrief(seen.judgement, seen.of),
      opensIn: opensIn(),
    }
    inOrder((to) => to.say(saying))
  }
  const opensIn = (): string | undefined =>
    opensAt === undefined ? undefined : `opens by itself in ${Math.max(0, Math.ceil((opensAt - clock.now()) / 1000))} s`
  const begin = (): void => {
    open()
    const index = stage
    inOrder((to, offset) => to.begin(index - offset))
    say()
  }

  return {
    report: (progress) => {
      switch (progress.kind) {
        case 'step':
          // The question has the terminal to itself.
          asking = progress.step.kind === 'ask'
          if (asking) return
          if (mode !== progress.mode) turnRound()
          // A change that is left on trial is not undone: the lock alone goes back.
          if (mode === 'undo' && current === undefined && progress.step.kind === 'unlock' && progress.at === 0) wayBack = ['Give the lock back']
          step = progress.step
          if (step.kind === 'probe') seen = undefined
          stage = mode === 'forward' ? stageAt(forward, progress.at) : Math.min(wayBack.length - 1, Math.max(stage, undoStageOf(progress.step)))
          begin()
          return
        case 'step-failed':
          inOrder((to) => to.fail(safeLine(`${progress.step.title}: ${sentenceOf(progress.error)}`)))
          return
        case 'probes':
          // A question's pulses tell nothing new unless they turn red.
          if (asking && progress.judgement.green) return
          seen = step?.kind === 'probe' && seen !== undefined ? joined(seen, progress) : { judgement: progress.judgement, of: progress.of }
          say()
          return
        case 'deadline':
          opensAt = progress.opensInMs === undefined ? undefined : clock.now() + progress.opensInMs
          say()
          return
        case 'undo':
          turnRound(progress.reason.kind === 'step-failed' ? undefined : progress.reason.text)
          return
        case 'note':
          inOrder((to) => to.note(safeLine(progress.text)))
          return
        case 'step-done':
        case 'lag':
        case 'end':
          return
      }
    },
    pause: async (why) => {
      paused = true
      close(why)
      await tail
    },
    resume: () => {
      paused = false
      if (current === undefined && step !== undefined && !asking) begin()
    },
    end: async () => {
      close()
      await tail
    },
    undoing: () => mode === 'undo',
    probes: () => seen,
  }
}

const titleOf = (step: Step): string => (step.kind === 'checkpoint' ? `checkpoint ${step.number}, ${step.title}` : step.title)

/** Two rounds of one step as one. */
const joined = (one: Probes, other: Probes): Probes => ({
  of: one.of + other.of,
  judgement: {
    green: one.judgement.green && other.judgement.green,
    red: [...one.judgement.red, ...other.judgement.red],
    notRun: [...one.judgement.notRun, ...other.judgement.notRun],
    alreadyFailing: [...one.judgement.alreadyFailing, ...other.judgement.alreadyFailing],
    unproven: [...one.judgement.unproven, ...other.judgement.unproven],
  },
})
