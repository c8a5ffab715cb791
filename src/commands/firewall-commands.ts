import { Option } from 'commander'
import { consentFlags, dryRunOption, firewallFlags, riskFlags, withConsent, withFirewall, withRisks } from './firewall-options.ts'
import { parseAuditTime, parseDryRun } from './flags.ts'
import type { Parsed } from './parsed.ts'
import type { Tree } from './tree.ts'

const convergeFlags = (flags: Parsed) => ({ ...riskFlags(flags), ...consentFlags(flags), dryRun: parseDryRun(flags.dryRun) })
const byItself = 'begin, and keep it when every probe is green'

/** The commands that bring a firewall into force, show it, and hand it on. */
export const addFirewallCommands = ({ context, add, dataFlags, onCluster }: Tree): void => {
  const check = async (flags: Parsed): Promise<void> => {
    const { checkOptions } = await import('./wanted-firewall.ts')
    checkOptions({ context }, firewallFlags(flags))
    parseDryRun(flags.dryRun)
  }
  withConsent(
    dataFlags(withFirewall(add('init', 'close the nodes, step by step and on trial, but for what you allow'))),
    'take what was discovered, and keep it when every probe is green',
  )
    .addOption(dryRunOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./init.ts')
        return run(session, { ...firewallFlags(flags), ...consentFlags(flags), dryRun: parseDryRun(flags.dryRun) })
      }, check),
    )
  dataFlags(withFirewall(add('plan', 'show what init would do; write nothing'))).action(
    onCluster(async (session, flags) => {
      const { run } = await import('./plan.ts')
      return run(session, firewallFlags(flags))
    }, check),
  )
  dataFlags(withFirewall(add('audit', 'watch real connections, and tell which of them a firewall would cut; write nothing')))
    .addOption(new Option('--for <TIME>', 'how long to watch, as 5m; 1m without it').default(60, '1m').argParser(parseAuditTime))
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./audit.ts')
        return run(session, { ...firewallFlags(flags), seconds: flags.for })
      }, check),
    )
  withConsent(withRisks(dataFlags(add('apply', 'make the cluster what a file says; what closes is tried first'))), byItself)
    .requiredOption('-f, --filename <FILE>', 'the firewall')
    .addOption(dryRunOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./apply.ts')
        return run(session, { ...convergeFlags(flags), filename: flags.filename ?? '' })
      }, check),
    )
  withConsent(withRisks(dataFlags(add('adopt', 'take over a host firewall that is there already, on trial'))), byItself)
    .option('-f, --filename <FILE>', 'the firewall to end with; made from what is there without it')
    .addOption(dryRunOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./adopt.ts')
        return run(session, { ...convergeFlags(flags), ...(flags.filename === undefined ? {} : { filename: flags.filename }) })
      }, check),
    )
  withConsent(withRisks(dataFlags(add('sync', 'bring the firewall in force up to the nodes of today'))), byItself)
    .addOption(dryRunOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./sync.ts')
        return run(session, convergeFlags(flags))
      }),
    )
  dataFlags(add('export', 'print the file of the firewall in force')).action(
    onCluster(async (session) => {
      const { run } = await import('./export.ts')
      return run(session)
    }),
  )
  dataFlags(add('render', 'print the Calico objects of the firewall in force, for a GitOps tool')).action(
    onCluster(async (session) => {
      const { run } = await import('./render.ts')
      return run(session)
    }),
  )
}
