import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { RunSubject } from '../rollout/ports.ts'
import { type Run, startRun } from '../rollout/runner.ts'
import type { Outcome, RunConfig } from '../rollout/state.ts'
import type { Step } from '../rollout/steps.ts'
import { boardsFor } from '../ui/boards.ts'
import { askInterrupt } from '../ui/interrupt.ts'
import { askToKeep } from '../ui/keep-question.ts'
import { outcomeError } from '../ui/outcome-text.ts'
import { probesInBrief, probesInDetail } from '../ui/probes-text.ts'
import { createRunView } from '../ui/run-view.ts'
import type { CommandContext, StopSignal } from './context.ts'

/** A run to be performed and shown. */
export interface ShownRun {
  readonly steps: readonly Step[]
  readonly config: RunConfig
  readonly subject: RunSubject
  /** Answers the keep-question with "keep" by itself: probes are green whenever it is asked. */
  readonly yes: boolean
}

/** Performs a run, shows it live, asks what it asks, answers Ctrl-C, and tells how it ended. */
export const runSteps = async (command: CommandContext, { steps, config, subject, yes }: ShownRun): Promise<Outcome> => {
  const { context, ui, printer } = command
  const { clock, stderr, workstation } = context
  const view = createRunView({ steps, clock, board: boardsFor(stderr, workstation.env) })
  const run: { current?: Run } = {}
  const opensInS = (): number | undefined => {
    const at = run.current?.opensAt()
    return at === undefined ? undefined : Math.max(0, Math.ceil((at - clock.now()) / 1000))
  }
  const ports = command.ports(subject.facts, {
    report: view.report,
    ask: async ({ title }, signal) => {
      const seen = view.probes()
      const probes = seen === undefined ? [] : [`${probesInBrief(seen.judgement, seen.of)}.`, ...probesInDetail(seen.judgement, 6)]
      if (yes) return 'keep'
      await view.pause('waits for your answer')
      const why = [...probes, `Without an answer the cluster opens by itself in about ${Math.round(config.maxQuestionMs / 60_000)} minutes.`].join(
        '\n',
      )
      return askToKeep({
        ...{ ui, clock, signal, why, maxMs: config.maxQuestionMs, title: `${title.charAt(0).toUpperCase()}${title.slice(1)}` },
        interrupted: () => askInterrupt(ui, opensInS(), signal),
      })
    },
  })
  let asking = false
  const stopped = new AbortController()
  const onSignal = async (signal: StopSignal): Promise<void> => {
    if (view.undoing()) {
      view.report({ kind: 'note', text: `${signal}: it is being undone already; the opening comes first` })
      return
    }
    if (signal === 'SIGINT' && !asking) {
      asking = true
      await view.pause('interrupted')
      const choice = await askInterrupt(ui, opensInS(), stopped.signal).catch(() => 'go-on' as const)
      asking = false
      run.current?.interrupt(choice)
      if (choice === 'go-on' && !stopped.signal.aborted) view.resume()
      return
    }
    view.report({ kind: 'note', text: `${signal}: opening the cluster and undoing this change` })
    run.current?.interrupt('open')
  }
  const release = context.onSignal((signal) => void onSignal(signal))
  try {
    run.current = startRun(steps, config, subject, ports)
    const outcome = await run.current.ended
    stopped.abort()
    await view.end()
    if (outcome.kind === 'left' && outcome.opensAt !== undefined)
      printer.talk(`The cluster opens by itself in about ${Math.max(0, Math.ceil((outcome.opensAt - clock.now()) / 1000))} s.`)
    return outcome
  } finally {
    release()
  }
}

/**
 * Exit code 0 for a run that went as asked.
 * @throws FwError what stopped it before the first write, else FW_ROLLED_BACK, FW_ROLLBACK_INCOMPLETE, FW_INTERRUPTED or FW_LOCK_LOST
 */
export const exitCodeOf = (outcome: Outcome): ExitCode => {
  const error = outcomeError(outcome)
  if (error !== undefined) throw error
  return exitCodes.ok
}
