import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { openSet } from '../firewall/network-sets.ts'
import { openEverything } from '../rollout/perform/open.ts'
import type { CommandContext } from './context.ts'
import { switchFlavour } from './switch-flavour.ts'

/** How long `open` keeps trying, in milliseconds. */
const patienceMs = 60_000

/**
 * Opens every node this tool closed, in one write, without lock, discovery or question: the emergency exit. Nothing is deleted, so closing again is a new trial.
 */
export const run = async ({ cluster, context, printer }: CommandContext): Promise<ExitCode> => {
  const how = await openEverything(cluster.api, context.clock, {
    openSet: openSet(await switchFlavour(cluster.api)),
    gate: undefined,
    untilMs: context.clock.now() + patienceMs,
    note: printer.talk,
  })
  printer.talk(`Open: ${how}. Every node this tool closed is open to everyone within seconds.`)
  printer.talk('To close again, on trial:  kubectl calico-fw sync')
  printer.talk('To undo the last change:   kubectl calico-fw rollback')
  printer.document('Opened', { how })
  return exitCodes.ok
}
