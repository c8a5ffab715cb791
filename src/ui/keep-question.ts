import { FwError } from '../errors.ts'
import type { Clock } from '../rollout/clock.ts'
import type { LapseWords } from './lapse-words.ts'
import type { Prompter } from './prompter.ts'

/** What may come of the keep-question. */
export type KeepAnswer = 'keep' | 'open' | 'leave'

/** What the keep-question is asked with. */
export interface KeepQuestionOptions {
  readonly ui: Prompter
  readonly clock: Clock
  /** The run takes the question back when it turns round. */
  readonly signal: AbortSignal
  /** How long it waits at most, in milliseconds: then the answer is to open. */
  readonly maxMs: number
  readonly title: string
  readonly why: string
  readonly words: LapseWords
  /** Withdraws the question that is asked now with FW_INTERRUPTED, where Ctrl-C came as a signal; a new one for each time it is asked. */
  readonly withdrawn: () => AbortSignal
  /** What Ctrl-C at the question meant. */
  readonly interrupted: () => Promise<'open' | 'leave' | 'go-on'>
}

/** Asks whether to keep what is on trial. Enter alone, and no answer in time, mean opening. */
export const askToKeep = async (options: KeepQuestionOptions): Promise<KeepAnswer> => {
  const { ui, clock, maxMs, title, why, words } = options
  const late = new AbortController()
  const asked = new AbortController()
  clock.sleep(maxMs, asked.signal).then(
    () => late.abort(),
    () => undefined,
  )
  const signal = AbortSignal.any([options.signal, late.signal])
  try {
    for (;;) {
      try {
        return await ui.select<KeepAnswer>(
          {
            message: title,
            why,
            flag: '--yes',
            default: 'open',
            choices: [
              { value: 'open', name: `no: ${words.now}` },
              { value: 'keep', name: 'yes: keep it' },
              { value: 'leave', name: `leave it on trial: ${words.brief} unless "confirm" keeps it` },
            ],
          },
          { signal: AbortSignal.any([signal, options.withdrawn()]) },
        )
      } catch (error) {
        if (late.signal.aborted && !options.signal.aborted) return 'open'
        if (!(error instanceof FwError) || error.code !== 'FW_INTERRUPTED') throw error
        const choice = await options.interrupted()
        if (choice !== 'go-on') return choice
      }
    }
  } finally {
    asked.abort()
  }
}
