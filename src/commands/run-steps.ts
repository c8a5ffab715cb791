import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { KeepQuestion, Progress, RunSubject } from '../rollout/ports.ts'
import { type Run, startRun } from '../rollout/runner.ts'
import type { Outcome, RunConfig } from '../rollout/state.ts'
import type { Step } from '../rollout/steps.ts'
import { boardsFor } from '../ui/boards.ts'
import { askInterrupt, type InterruptChoice } from '../ui/interrupt.ts'
import { askToKeep, type KeepAnswer } from '../ui/keep-question.ts'
import { begun, type Lapse, lapseWords } from '../ui/lapse-words.ts'
import { outcomeError } from '../ui/outcome-text.ts'
import { probesInBrief, probesInDetail } from '../ui/probes-text.ts'
import type { Prompter } from '../ui/prompter.ts'
import { createRunView } from '../ui/run-view.ts'
import { clusterLine } from './cluster-words.ts'
import type { CommandContext, StopSignal } from './context.ts'
import { createHold } from './hold.ts'
import { refuseProxied } from './refuse-proxied.ts'

/** A run to be performed and shown. */
export interface ShownRun {
  readonly steps: readonly Step[]
  readonly config: RunConfig
  readonly subject: RunSubject
  /** `--take-over`: from a holder of the lock who has been silent for too long. */
  readonly takeOver?: boolean
  /** What comes of it where it is not kept. */
  readonly lapse?: Lapse
  /** Answers the keep-question with "keep" by itself: probes are green whenever it is asked. */
  readonly yes: boolean
}

/**
 * Performs a run, shows it live, asks what it asks, answers Ctrl-C, and tells how it ended.
 * @throws FwError FW_MISSING_ANSWER before anything happens, where it would ask and nobody can answer
 */
export const runSteps = async (
  command: CommandContext,
  { steps: planned, config, subject, yes, takeOver = false, lapse = 'all' }: ShownRun,
): Promise<Outcome> => {
  const { context, ui, printer } = command
  const { clock, stderr, workstation } = context
  const steps = takeOver ? planned.map((step): Step => (step.kind === 'lock' ? { ...step, takeOver } : step)) : planned
  refuseUnanswerable(steps, yes, ui)
  refuseProxied(command.cluster.server, steps)
  const view = createRunView({ steps, clock, rows: stderr.rows, board: boardsFor(stderr, workstation.env) })
  const hold = createHold()
  const words = lapseWords(lapse)
  /** Withdraws a question after Ctrl-C that the run has answered itself meanwhile. */
  const moot = new AbortController()
  let run: Run | undefined
  let pondering = false
  /** Takes the keep-question off the terminal: there is never more than one. */
  let standing: AbortController | undefined

  const opensInS = (): number | undefined => {
    const at = run?.opensAt()
    return at === undefined ? undefined : Math.max(0, Math.ceil((at - clock.now()) / 1000))
  }
  const interrupted = async (): Promise<InterruptChoice> => {
    pondering = true
    return askInterrupt(ui, { opensInS: opensInS(), kept: run?.isKept() === true }, words, moot.signal).finally(() => {
      pondering = false
    })
  }
  const withdrawn = (): AbortSignal => {
    standing = new AbortController()
    return standing.signal
  }
  const ask = async ({ title }: KeepQuestion, signal: AbortSignal): Promise<KeepAnswer> => {
    if (yes) {
      await hold.free(signal)
      return 'keep'
    }
    const seen = view.probes()
    const minutes = Math.round(config.maxQuestionMs / 60_000)
    const why = [
      `This is ${clusterLine(command.cluster)}.`,
      ...(seen === undefined ? [] : [`${probesInBrief(seen.judgement, seen.of)}.`, ...probesInDetail(seen.judgement, 6)]),
      `Without an answer ${words.whole} in about ${minutes} minutes.`,
    ].join('\n')
    do {
      await hold.free(signal)
      await view.pause('waits for your answer')
    } while (hold.isHeld())
    const question = { title: begun(title), why, words }
    return askToKeep({ ui, clock, signal, maxMs: config.maxQuestionMs, ...question, withdrawn, interrupted }).finally(() => {
      standing = undefined
      view.resume()
    })
  }
  const report = (progress: Progress): void => {
    view.report(progress)
    if (progress.kind === 'undo') moot.abort()
  }
  const onInterrupt = async (): Promise<void> => {
    // At the keep-question it is that question's matter, which asks what was meant.
    if (standing !== undefined) return standing.abort(new FwError('FW_INTERRUPTED', 'interrupted'))
    pondering = true
    hold.hold()
    await view.pause('interrupted')
    const choice = await interrupted().catch((): InterruptChoice => 'go-on')
    hold.release()
    view.resume()
    run?.interrupt(choice)
  }
  const onSignal = (signal: StopSignal): void => {
    if (view.undoing()) view.report({ kind: 'note', text: `${signal}: it is being undone already; the opening comes first` })
    else if (signal !== 'SIGINT' || pondering) {
      view.report({ kind: 'note', text: `${signal}: opening again and undoing this change` })
      run?.interrupt('open')
    } else void onInterrupt()
  }

  const ports = command.ports(subject.facts, { report, ask })
  const release = context.onSignal(onSignal)
  try {
    run = startRun(steps, config, subject, { ...ports, prober: hold.prober(ports.prober) })
    const outcome = await run.ended
    moot.abort()
    await view.end()
    if (outcome.kind === 'left' && outcome.opensAt !== undefined)
      printer.talk(`${begun(words.whole)} in about ${Math.max(0, Math.ceil((outcome.opensAt - clock.now()) / 1000))} s.`)
    return outcome
  } finally {
    release()
  }
}

/** A question nobody can answer would turn the run round at its very end. */
const refuseUnanswerable = (steps: readonly Step[], yes: boolean, ui: Prompter): void => {
  const question = steps.find(({ kind }) => kind === 'ask')
  if (question === undefined || yes || ui.interactive) return
  throw new FwError('FW_MISSING_ANSWER', `nobody answers "${question.title}"`, {
    why: 'there is no terminal to ask at',
    fix: 'let the probes decide: --yes',
  })
}

/**
 * Exit code 0 for a run that went as asked.
 * @throws FwError what stopped it before the first write, else FW_ROLLED_BACK, FW_ROLLBACK_INCOMPLETE, FW_INTERRUPTED or FW_LOCK_LOST
 */
export const exitCodeOf = (outcome: Outcome, lapse: Lapse = 'all'): ExitCode => {
  const error = outcomeError(outcome, lapseWords(lapse))
  if (error !== undefined) throw error
  return exitCodes.ok
}
