import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { version } from '../version.ts'
import type { Context, OutputFormat } from './context.ts'
import { createPrinter } from './printer.ts'

/** Prints the version. */
export const run = (context: Context, format: OutputFormat): Promise<ExitCode> => {
  const printer = createPrinter(context, format)
  printer.data(`kubectl-calico-fw v${version}`)
  printer.document('Version', { version: `v${version}` })
  return Promise.resolve(exitCodes.ok)
}
