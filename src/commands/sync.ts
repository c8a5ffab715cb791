import type { ExitCode } from '../exit-codes.ts'
import type { CommandContext } from './context.ts'
import { type ConvergeOptions, converge, settled } from './converge.ts'
import { keptFirewall } from './kept-firewall.ts'

/**
 * Holds the firewall the cluster keeps against the nodes it has today: addresses of new nodes first, then their interfaces on trial; what belongs to nodes,
 * addresses and interfaces that are gone falls away with the commit.
 */
export const run = (command: CommandContext, options: ConvergeOptions): Promise<ExitCode> =>
  settled(command, options, (found) =>
    converge(command, 'Sync', found, { firewall: keptFirewall(found.facts), words: 'kubectl calico-fw sync' }, options),
  )
