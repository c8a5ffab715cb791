import { FwError } from '../errors.ts'

/** One answer that can be chosen. */
export interface Choice<Value> {
  readonly value: Value
  readonly name: string
  /** Shown under the list while the choice is pointed at. */
  readonly description?: string
  readonly checked?: boolean
}

/** What every question carries, whatever its form. */
export interface Question {
  /** The question itself, one line. */
  readonly message: string
  /** What hangs on the answer: shown above the question. */
  readonly why?: string
  /** The flag that answers it beforehand, for example `--vip`; named where nobody can be asked. */
  readonly flag: string
}

/** How a question may end before it is answered. */
export interface AskOptions {
  /** Withdraws the question; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * Asks people. Every method rejects with FW_INTERRUPTED on Ctrl-C or a closed terminal, with FW_MISSING_ANSWER where nobody can be asked,
 * and with the signal's reason when the question is withdrawn.
 */
export interface Prompter {
  /** Whether somebody can be asked at all: a terminal on both ends, or a script that plays one. */
  readonly interactive: boolean
  select<Value>(question: Question & { readonly choices: readonly Choice<Value>[]; readonly default?: Value }, options?: AskOptions): Promise<Value>
  /** `required`: at least one. */
  checkbox<Value>(
    question: Question & { readonly choices: readonly Choice<Value>[]; readonly required?: boolean },
    options?: AskOptions,
  ): Promise<Value[]>
  /** `validate` answers true, or what is wrong. */
  input(
    question: Question & { readonly default?: string; readonly validate?: (text: string) => true | string },
    options?: AskOptions,
  ): Promise<string>
  /** Yes or no; Enter alone means no. */
  confirm(question: Question, options?: AskOptions): Promise<boolean>
  /** True when exactly `expected` was typed; an empty answer means no, any other is asked for again. */
  typed(question: Question & { readonly expected: string }, options?: AskOptions): Promise<boolean>
}

/** Ctrl-C, Ctrl-D or a closed terminal at a question. */
export const interruptedAt = ({ message, flag }: Question, cause?: unknown): FwError =>
  new FwError('FW_INTERRUPTED', 'interrupted', {
    why: `nobody answered "${message}"`,
    fix: `answer it beforehand with ${flag}`,
    ...(cause === undefined ? {} : { cause }),
  })
