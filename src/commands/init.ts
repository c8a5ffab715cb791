import type { ExitCode } from '../exit-codes.ts'
import { needsText } from '../ui/needs-text.ts'
import type { CommandContext } from './context.ts'
import { type ConvergeOptions, converge, settled } from './converge.ts'
import { checkOptions, type FirewallOptions, wantedFirewall } from './wanted-firewall.ts'

/** Flags of `init`. */
export type InitOptions = FirewallOptions & ConvergeOptions

/** The wizard: asks, shows the plan, proves it, and rolls it out on trial. */
export const run = async (command: CommandContext, options: InitOptions): Promise<ExitCode> => {
  checkOptions(command, options)
  return settled(command, options, async (found) => {
    command.printer.talk(`\n${needsText(found.facts, command.context.stderr.columns ?? 80)}\n`)
    const wanted = await wantedFirewall(command, options, found.facts, options.yes)
    return converge(command, 'Init', found, wanted, options)
  })
}
