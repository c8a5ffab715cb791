import type { ExitCode } from '../exit-codes.ts'
import { readFirewallFile } from './answers.ts'
import type { CommandContext } from './context.ts'
import { type ConvergeOptions, converge, settled } from './converge.ts'
import { shellWord } from './shell-word.ts'

/** Flags of `apply`. */
export interface ApplyOptions extends ConvergeOptions {
  readonly filename: string
}

/** Makes the cluster what a file says: what opens is written, what closes is tried first. */
export const run = async (command: CommandContext, options: ApplyOptions): Promise<ExitCode> => {
  const { firewall } = readFirewallFile(command, options.filename)
  const wanted = { firewall, words: `kubectl calico-fw apply -f ${shellWord(options.filename)}` }
  return settled(command, options, (found) => converge(command, 'Apply', found, wanted, options))
}
