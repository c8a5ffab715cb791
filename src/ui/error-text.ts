import { FwError } from '../errors.ts'
import { safeLine } from './safe-text.ts'
import type { Theme } from './theme.ts'

/** An error as people read it: what happened, why, and what mends it, each on lines of its own. */
export const errorText = (error: FwError, theme: Theme): string =>
  [
    error.isAnswer ? safeLine(error.message) : `${theme.bad('error:')} ${safeLine(error.message)}`,
    ...(error.why === undefined ? [] : [`${theme.strong('why:')} ${safeLine(error.why)}`]),
    ...(error.fix === undefined ? [] : [`${theme.strong(error.isAnswer ? 'next:' : 'fix:')} ${safeLine(error.fix)}`]),
  ].join('\n')

/** The same as one plain value, for `-o json` and `-o yaml`. The code is stable; the sentences are not. */
export const errorFields = (error: FwError): Record<string, unknown> => ({
  code: error.code,
  exitCode: error.exit,
  what: safeLine(error.message),
  ...(error.why === undefined ? {} : { why: safeLine(error.why) }),
  ...(error.fix === undefined ? {} : { fix: safeLine(error.fix) }),
})

/** One line of whatever was thrown. */
export const sentenceOf = (error: unknown): string => {
  if (error instanceof FwError) return error.why === undefined ? error.message : `${error.message} (${error.why})`
  return error instanceof Error ? error.message : String(error)
}
