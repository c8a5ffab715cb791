import { FwError } from '../errors.ts'
import type { Prompter, Question } from './prompter.ts'

/** Where nobody can be asked: every question is a missing flag. */
export const noPrompter = (reason: string): Prompter => {
  const refuse = ({ message, flag }: Question): Promise<never> =>
    Promise.reject(new FwError('FW_MISSING_ANSWER', `nobody answers "${message}"`, { why: reason, fix: `answer it with ${flag}` }))
  return { interactive: false, select: refuse, checkbox: refuse, input: refuse, confirm: refuse, typed: refuse }
}
