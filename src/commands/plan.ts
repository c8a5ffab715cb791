import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { firewallIn } from '../firewall/file/firewall-text.ts'
import { packetsText } from '../ui/packets-text.ts'
import { planText } from '../ui/plan-text.ts'
import { proofText } from '../ui/proof-text.ts'
import { table } from '../ui/table.ts'
import { themeFor } from '../ui/theme.ts'
import { wrap } from '../ui/wrap.ts'
import type { CommandContext } from './context.ts'
import { planFields } from './plan-fields.ts'
import { prepare } from './prepare.ts'
import { type Survey, survey } from './survey.ts'
import { checkOptions, type FirewallOptions, type Wanted, wantedFirewall } from './wanted-firewall.ts'

/** Shows what `init` would do. Exit 1 where that is anything at all, as `kubectl diff` does. */
export const run = async (command: CommandContext, options: FirewallOptions): Promise<ExitCode> => {
  const { printer, cluster, context } = command
  checkOptions(command, options)
  const found = await survey(command)
  const { firewall } = await plannedFirewall(command, options, found)
  const prepared = await prepare(command, found, firewall, options)
  const packets = prepared.packets()
  printer.document('Plan', planFields(prepared, packets))
  if (prepared.isInForce) {
    printer.talk('Nothing to change: the firewall in force is this one.')
    return exitCodes.ok
  }
  printer.data(
    planText(prepared.plan, {
      cluster: { context: cluster.contextName, server: cluster.server },
      windowSeconds: options.windowSeconds,
      columns: context.stdout.columns ?? 80,
      theme: themeFor(context.stdout, context.workstation.env),
      packets: packetsText(packets),
    }),
  )
  printer.data(`\n${wrap(proofText(prepared.proof), { columns: Math.min(context.stdout.columns ?? 80, 100) })}\n`)
  printer.data(
    table(
      ['change', 'kind', 'name'],
      [
        ...prepared.missing.map(({ change, object }) => [change, object.kind, object.metadata.name]),
        ...prepared.plan.finish.remove.map(({ kind, name }) => ['delete', kind, name]),
      ],
    ),
  )
  return exitCodes.failure
}

/** Without file and flags: the firewall the cluster keeps, held against the cluster as it is now. */
export const plannedFirewall = (command: CommandContext, options: FirewallOptions, { facts }: Survey): Promise<Wanted> => {
  const kept = facts.own.find(({ kind }) => kind === 'ConfigMap')
  const { filename, interfaces, trust, vips, open, failsafes, nodePorts } = options
  const asked = [filename, interfaces, trust, vips, open, failsafes, nodePorts].some((given) => given !== undefined)
  if (kept !== undefined && !asked) return Promise.resolve({ firewall: firewallIn(kept), words: 'kubectl calico-fw plan' })
  return wantedFirewall(command, options, facts, false)
}
