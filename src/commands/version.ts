import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { version } from '../version.ts'
import type { Context, OutputFormat } from './context.ts'

/** Prints the version. */
export const run = async (context: Context, format: OutputFormat): Promise<ExitCode> => {
  if (format === 'text') {
    context.stdout.write(`kubectl-calico-fw v${version}\n`)
    return exitCodes.ok
  }
  const { createPrinter } = await import('./printer.ts')
  createPrinter(context, format).document('Version', { version: `v${version}` })
  return exitCodes.ok
}
