import type { Choice, Prompter, Question } from './prompter.ts'
import { wrap } from './wrap.ts'

/** What a script answers to one question; undefined takes the default. */
export type ScriptedAnswer = string | boolean | readonly string[] | undefined

/** Plays the person at the keyboard: prints each question with the answer it gives, so that the demo reads the same without a terminal. */
export const scriptedPrompter = (
  answer: (question: Question) => ScriptedAnswer | Promise<ScriptedAnswer>,
  write: (line: string) => void,
): Prompter => {
  const tell = ({ message, why }: Question, given: string): void => {
    if (why !== undefined) for (const line of why.split('\n')) write(wrap(line, { columns: 80 }))
    write(`? ${message} ${given}`)
  }
  const chosen = <Value>(choices: readonly Choice<Value>[], name: string): Choice<Value> => {
    const found = choices.find((choice) => choice.name === name || choice.value === name)
    if (found === undefined) throw new Error(`the script answers "${name}", which is not among ${choices.map((choice) => choice.name).join(', ')}`)
    return found
  }
  return {
    interactive: true,
    select: async (question) => {
      const given = await answer(question)
      const choice =
        typeof given === 'string'
          ? chosen(question.choices, given)
          : (question.choices.find(({ value }) => value === question.default) ?? question.choices[0])
      if (choice === undefined) throw new Error(`"${question.message}" has no choices`)
      tell(question, choice.name)
      return choice.value
    },
    checkbox: async (question) => {
      const given = await answer(question)
      const picked = Array.isArray(given)
        ? given.map((name) => chosen(question.choices, String(name)))
        : question.choices.filter(({ checked }) => checked)
      tell(question, picked.length === 0 ? 'none' : picked.map(({ name }) => name).join(', '))
      return picked.map(({ value }) => value)
    },
    input: async (question) => {
      const given = await answer(question)
      const text = typeof given === 'string' ? given : (question.default ?? '')
      const problem = question.validate?.(text) ?? true
      if (problem !== true) throw new Error(`the script answers "${text}": ${problem}`)
      tell(question, text)
      return text
    },
    confirm: async (question) => {
      const given = (await answer(question)) === true
      tell(question, given ? 'yes' : 'no')
      return given
    },
    typed: async (question) => {
      const given = await answer(question)
      const text = typeof given === 'string' ? given : question.expected
      tell(question, text)
      return text === question.expected
    },
  }
}
