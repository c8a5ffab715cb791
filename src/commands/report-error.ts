import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { errorFields, errorText } from '../ui/error-text.ts'
import { safeLine } from '../ui/safe-text.ts'
import { themeFor } from '../ui/theme.ts'
import { wrap } from '../ui/wrap.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'

/** Where bugs go. */
const issues = 'https://github.com/calico-fw/kubectl-calico-fw/issues'

/** Tells what ended the program, and gives its exit code. What is no FwError is a bug of ours: its stack is for FW_DEBUG=1. */
export const reportError = async ({ argv, stderr, workstation }: Context, error: unknown): Promise<ExitCode> => {
  if (error instanceof FwError) {
    const format = outputOf(argv)
    if (format === undefined) stderr.write(`${errorText(error, themeFor(stderr, workstation.env))}\n`)
    else {
      const { documentVersion, serialised } = await import('./printer.ts')
      stderr.write(serialised({ apiVersion: documentVersion, kind: 'Error', ...errorFields(error) }, format))
    }
    return error.exit
  }
  const debug = workstation.env['FW_DEBUG']
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const message = safeLine(error instanceof Error ? error.message : String(error))
  stderr.write(
    `${[
      `error: this is a bug in kubectl calico-fw v${version}: ${message}`,
      ...(debug ? [stack] : []),
      wrap('if a run was under way: see where the cluster stands with "kubectl calico-fw status"; open everything with "kubectl calico-fw open"', {
        columns: 80,
        first: 'fix: ',
      }),
      `please report it with the output of FW_DEBUG=1: ${issues}`,
    ].join('\n')}\n`,
  )
  return exitCodes.failure
}

/** The format asked for, also when the command line was too wrong to be parsed. */
const outputOf = (argv: readonly string[]): 'json' | 'yaml' | undefined => {
  const at = argv.findIndex((word) => word === '-o' || word === '--output')
  const value = at >= 0 ? argv[at + 1] : argv.map((word) => /^(?:-o|--output)=?(json|yaml)$/.exec(word)?.[1]).find((found) => found !== undefined)
  return value === 'json' || value === 'yaml' ? value : undefined
}
