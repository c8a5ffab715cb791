import { createInterface } from 'node:readline'
import { type AskOptions, type Choice, interruptedAt, type Prompter, type Question } from './prompter.ts'
import type { Terminal } from './prompts.ts'
import { safeLine, safeText } from './safe-text.ts'
import { wrap } from './wrap.ts'

/** What a typed line means, or what is wrong with it. */
type Reading<Value> = { readonly value: Value } | { readonly problem: string }

/**
 * Asks line by line: choices are numbered, nothing is drawn anew, no cursor moves. For screen readers and terminals that can do no more; TERM=dumb asks for it.
 */
export const createLinePrompter = ({ input, output }: Pick<Terminal, 'input' | 'output'>): Prompter => {
  const say = (text: string): void => void output.write(`${wrap(safeText(text), { columns: output.columns ?? 80 })}\n`)

  const lineFor = (question: Question, prompt: string, signal: AbortSignal | undefined): Promise<string> =>
    new Promise((resolve, reject) => {
      const terminal = createInterface({ input, output, terminal: true })
      const settle = (how: () => void): void => {
        signal?.removeEventListener('abort', withdraw)
        terminal.removeAllListeners('close')
        terminal.close()
        how()
      }
      const interrupt = (): void => settle(() => reject(interruptedAt(question)))
      const withdraw = (): void => settle(() => reject(signal?.reason))
      terminal.once('SIGINT', interrupt)
      // Ctrl-D, and a terminal that is gone.
      terminal.once('close', interrupt)
      signal?.addEventListener('abort', withdraw, { once: true })
      terminal.question(`${prompt} `, (text) => settle(() => resolve(edited(text).trim())))
    })

  const ask = async <Answer>(
    question: Question,
    choices: readonly Choice<unknown>[],
    hint: string,
    read: (text: string) => Reading<Answer>,
    { signal }: AskOptions = {},
  ): Promise<Answer> => {
    signal?.throwIfAborted()
    output.write('\n')
    for (const line of question.why?.split('\n') ?? []) say(line)
    say(question.message)
    for (const [at, { name, description, checked }] of choices.entries())
      say(`${at + 1}. ${safeLine(name)}${checked === true ? ' (chosen)' : ''}${description === undefined ? '' : `: ${safeLine(description)}`}`)
    for (;;) {
      const reading = read(await lineFor(question, hint, signal))
      if ('value' in reading) return reading.value
      say(`That is no answer: ${reading.problem}`)
    }
  }

  return {
    interactive: true,
    select: (question, options) => {
      const { choices } = question
      const standard = Math.max(
        0,
        choices.findIndex(({ value }) => value === question.default),
      )
      const hint = `A number from 1 to ${choices.length}, or Enter for ${standard + 1}:`
      return ask(question, choices, hint, (text) => oneOf(choices, text, standard), options)
    },
    checkbox: (question, options) => {
      const { choices, required = false } = question
      const none = required ? '' : ', "none"'
      const hint = `Numbers, as in 1,3${none}, or Enter for what is chosen:`
      return ask(question, choices, hint, (text) => someOf(choices, text, required), options)
    },
    input: (question, options) => {
      const { default: standard = '', validate = () => true } = question
      const read = (text: string): Reading<string> => {
        const value = text === '' ? standard : text
        const problem = validate(value)
        return problem === true ? { value } : { problem: `${problem}` }
      }
      return ask(question, [], standard === '' ? '>' : `Enter for ${safeLine(standard)}, or another:`, read, options)
    },
    confirm: (question, options) => ask(question, [], 'yes, or Enter for no:', yesOrNo, options),
    typed: (question, options) => {
      const read = (text: string): Reading<boolean> =>
        text === '' || text === question.expected
          ? { value: text === question.expected }
          : { problem: `type ${question.expected}, or press Enter to stop` }
      return ask(question, [], '>', read, options)
    },
  }
}

/** readline takes every key for text where TERM=dumb: Backspace, Ctrl-W and Ctrl-U are done here, when the line is whole. */
const edited = (text: string): string => {
  let line = ''
  for (const key of text) {
    if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('')
    else if (key === '\u0015') line = ''
    else if (key === '\u0017') line = line.replace(/\S*\s*$/, '')
    else line += key
  }
  return line
}

const oneOf = <Value>(choices: readonly Choice<Value>[], text: string, standard: number): Reading<Value> => {
  const choice = choices[text === '' ? standard : Number(text) - 1]
  return choice === undefined || !/^\d*$/.test(text) ? { problem: `there are 1 to ${choices.length}` } : { value: choice.value }
}

const someOf = <Value>(choices: readonly Choice<Value>[], text: string, required: boolean): Reading<Value[]> => {
  const chosen =
    text === '' ? choices.filter(({ checked }) => checked) : text === 'none' ? [] : text.split(/[\s,]+/).map((one) => choices[Number(one) - 1])
  if (chosen.includes(undefined)) return { problem: `there are 1 to ${choices.length}` }
  if (required && chosen.length === 0) return { problem: 'at least one is needed' }
  return { value: chosen.flatMap((choice) => (choice === undefined ? [] : [choice.value])) }
}

const yesOrNo = (text: string): Reading<boolean> => {
  if (/^(y|yes)$/i.test(text)) return { value: true }
  return /^(n|no)?$/i.test(text) ? { value: false } : { problem: 'type yes or no' }
}
