import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { RunSubject } from '../rollout/ports.ts'
import type { Outcome, RunConfig } from '../rollout/state.ts'
import type { Step } from '../rollout/steps.ts'
import { startRun } from '../rollout/runner.ts'
import type { CommandContext } from './context.ts'

/** A run to be performed and shown. */
export interface ShownRun {
  readonly steps: readonly Step[]
  readonly config: RunConfig
  readonly subject: RunSubject
  /** Answers the keep-question with "keep" by itself: probes are green whenever it is asked. */
  readonly yes: boolean
}

/** Performs a run, shows it live, asks what it asks, answers Ctrl-C, and tells how it ended. */
export const runSteps = async (command: CommandContext, { steps, config, subject }: ShownRun): Promise<Outcome> => {
  const ports = command.ports(subject.facts, { ask: () => Promise.resolve('open'), report: () => undefined })
  return startRun(steps, config, subject, ports).ended
}

/** The exit code of a run's end. */
export const exitCodeOf = (outcome: Outcome): ExitCode => (outcome.kind === 'done' ? exitCodes.ok : exitCodes.failure)
