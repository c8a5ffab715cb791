import { type Command, Option } from 'commander'
import type { ExitCode } from '../exit-codes.ts'
import type { CommandContext, Context } from './context.ts'
import type { Parsed } from './parsed.ts'

type Action = (...parameters: unknown[]) => Promise<void>

/** How a command joins the tree. */
export interface Tree {
  readonly context: Context
  readonly root: Command
  /** Is told the exit code of the command that ran. */
  done(code: ExitCode): void
  add(name: string, summary: string): Command
  /** Connection flags and `-o`. */
  dataFlags(command: Command): Command
  acting(run: (flags: Parsed, positional: readonly string[]) => Promise<ExitCode>): Action
  /** As `acting`, with a session on the cluster the flags name, after what `check` finds wrong without one. */
  onCluster(
    run: (session: CommandContext, flags: Parsed, positional: readonly string[]) => Promise<ExitCode>,
    check?: (flags: Parsed, positional: readonly string[]) => unknown,
  ): Action
}

/** `-o`. */
export const outputOption = (): Option => new Option('-o, --output <FORMAT>', 'print one document instead of text: json or yaml')
