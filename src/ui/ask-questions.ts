import { FwError } from '../errors.ts'
import type { Prompter } from './prompter.ts'
import { defaultAnswers, type WizardQuestion } from './questions.ts'

/** How an answer in words is checked: true, or what is wrong with it. */
export type CheckAnswer = (question: WizardQuestion, answers: readonly string[]) => true | string

/** Asks one question; its answers are values of its flag. */
export const askQuestion = async (ui: Prompter, question: WizardQuestion, check: CheckAnswer): Promise<string[]> => {
  const { flag, message, why, form, offers, other } = question
  const text = (about: { readonly message: string; readonly why?: string }, fallback: string): Promise<string> =>
    ui.input({ flag, ...about, ...(fallback === '' ? {} : { default: fallback }), validate: (typed) => checked(question, split(typed), check) })
  if (form === 'text') return split(await text({ message, why }, defaultAnswers(question).join(', ')))
  const choices = offers.map(({ value, name, checked: isChecked }) => ({ value, name, checked: isChecked }))
  const chosen =
    form === 'several'
      ? await ui.checkbox<string>({ message, why, flag, choices, required: question.required })
      : [await ui.select<string>({ message, why, flag, choices, default: defaultAnswers(question)[0] ?? '' })]
  if (other === undefined || !chosen.includes(other.value)) return chosen
  return [...chosen.filter((value) => value !== other.value), ...split(await text({ message: other.message }, ''))]
}

/**
 * The answers `--yes` takes.
 * @throws FwError FW_MISSING_ANSWER where no default is safe
 */
export const answerByDefault = (question: WizardQuestion): string[] => {
  if (question.defaultsFor === 'anyone') return defaultAnswers(question)
  throw new FwError('FW_MISSING_ANSWER', `--yes does not answer "${question.message}"`, {
    why: question.why,
    fix: `answer it with ${question.flag}, or describe the firewall in a file: -f FILE`,
  })
}

const split = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '' && word !== 'none')

const checked = (question: WizardQuestion, answers: readonly string[], check: CheckAnswer): true | string => {
  if (question.required && answers.length === 0) return 'name at least one'
  return check(question, answers)
}
