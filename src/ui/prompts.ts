import { type AskOptions, type Choice, interruptedAt, type Prompter, type Question } from './prompter.ts'
import { safeLine, safeText } from './safe-text.ts'
import type { Theme } from './theme.ts'
import { wrap } from './wrap.ts'

/** The terminal that is asked. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream & { readonly columns?: number }
  readonly theme: Theme
}

/** Asks with inquirer: the only module that knows it. Loaded at the first question, for it takes longer to load than most commands take to run. */
export const createPrompter = ({ input, output, theme }: Terminal): Prompter => {
  const ask = async <Value>(question: Question, prompt: Readonly<Record<string, unknown>>, { signal }: AskOptions = {}): Promise<Value> => {
    signal?.throwIfAborted()
    const { createPromptModule } = (await import('inquirer')).default
    if (question.why !== undefined) {
      output.write(
        `\n${question.why
          .split('\n')
          .map((line) => theme.faint(wrap(safeText(line), { columns: output.columns ?? 80 })))
          .join('\n')}\n`,
      )
    }
    // Ctrl-D on an empty line closes readline, which pauses its input; inquirer hears nothing of it and would wait for an answer nobody can give any more.
    const closed = new AbortController()
    const onKey = (_: unknown, key: { readonly ctrl?: boolean; readonly name?: string } | undefined): void => {
      if (key?.ctrl === true && key.name === 'd') setImmediate(() => input.isPaused() && closed.abort())
    }
    const module = createPromptModule({ input, output, signal: AbortSignal.any([closed.signal, ...(signal === undefined ? [] : [signal])]) })
    input.on('keypress', onKey)
    try {
      const { answer } = (await module([{ name: 'answer', message: safeLine(question.message), ...prompt } as never])) as { answer: Value }
      return answer
    } catch (error) {
      throw translated(error, question, signal)
    } finally {
      input.off('keypress', onKey)
    }
  }
  return {
    interactive: true,
    select: (question, options) =>
      ask(question, { type: 'select', choices: plainChoices(question.choices), default: question.default, loop: false }, options),
    checkbox: (question, options) =>
      ask(
        question,
        { type: 'checkbox', choices: plainChoices(question.choices), required: question.required === true, loop: false, theme: checkboxTheme },
        options,
      ),
    input: (question, options) => ask(question, { type: 'input', default: question.default, validate: question.validate ?? (() => true) }, options),
    confirm: (question, options) => ask(question, { type: 'confirm', default: false }, options),
    typed: async (question, options) => {
      const validate = (text: string) => text === '' || text === question.expected || `type ${question.expected}, or press Enter to stop`
      return (await ask<string>(question, { type: 'input', validate }, options)) === question.expected
    },
  }
}

const plainChoices = <Value>(choices: readonly Choice<Value>[]) =>
  choices.map((choice) => ({ ...choice, name: safeLine(choice.name), short: safeLine(choice.name).replace(/ \(.*\)$/, '') }))

/** An empty choice is an answer too. */
const checkboxTheme = {
  style: { renderSelectedChoices: (chosen: readonly { readonly short: string }[]) => chosen.map(({ short }) => short).join('; ') || 'none' },
}

/** Ctrl-C, Ctrl-D and a closed terminal are answers too; a withdrawn question is its withdrawer's affair. inquirer's errors are told by name: bundles may hold two copies. */
const translated = (error: unknown, question: Question, signal: AbortSignal | undefined): unknown => {
  if (signal?.aborted) return signal.reason
  if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) {
    return interruptedAt(question, error)
  }
  return error
}
