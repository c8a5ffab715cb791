import { FwError } from '../errors.ts'
import type { Theme } from './theme.ts'

/** An error as people read it: what happened, why, and what mends it, each on lines of its own. */
export const errorText = (error: FwError, theme: Theme): string =>
  [
    `${theme.bad('error:')} ${error.message}`,
    ...(error.why === undefined ? [] : [`${theme.strong('why:')} ${error.why}`]),
    ...(error.fix === undefined ? [] : [`${theme.strong('fix:')} ${error.fix}`]),
  ].join('\n')

/** The same as one plain value, for `-o json` and `-o yaml`. The code is stable; the sentences are not. */
export const errorFields = (error: FwError): Record<string, unknown> => ({
  code: error.code,
  exitCode: error.exit,
  what: error.message,
  ...(error.why === undefined ? {} : { why: error.why }),
  ...(error.fix === undefined ? {} : { fix: error.fix }),
})

/** One line of whatever was thrown. */
export const sentenceOf = (error: unknown): string => {
  if (error instanceof FwError) return error.why === undefined ? error.message : `${error.message} (${error.why})`
  return error instanceof Error ? error.message : String(error)
}
