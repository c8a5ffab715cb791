import { namespaceLabel } from '../calico/endpoint-selectors.ts'
import { isOurs } from '../calico/names.ts'
import { formatRef, refOf } from '../calico/object.ts'
import { resourceOf } from '../calico/resources.ts'
import type { Labels } from '../calico/selector.ts'
import { FwError } from '../errors.ts'
import type { ExitCode } from '../exit-codes.ts'
import { type AdoptedFirewall, adoptedFirewall } from '../firewall/adoption/adopted-firewall.ts'
import { formatHostFirewall } from '../firewall/file/firewall-text.ts'
import { wrap } from '../ui/wrap.ts'
import { firewallNameOf, readFirewallFile } from './answers.ts'
import type { CommandContext } from './context.ts'
import { type ConvergeOptions, converge, settled } from './converge.ts'
import { shellWord } from './shell-word.ts'
import type { Survey } from './survey.ts'

/** Flags of `adopt`. */
export interface AdoptOptions extends ConvergeOptions {
  /** The firewall to end with; absent: as much of theirs as a file can say. */
  readonly filename?: string
}

/** Takes over the HostEndpoints others have made, and the policies that govern them: ours is tried before theirs, which stay until it is kept. */
export const run = async (command: CommandContext, options: AdoptOptions): Promise<ExitCode> => {
  const { filename } = options
  const given = filename === undefined ? undefined : readFirewallFile(command, filename).firewall
  return settled(command, options, async (found) => {
    const read = adoptedFirewall(found.facts, firewallNameOf(command.cluster.contextName))
    if (read === undefined)
      throw new FwError('FW_NOT_FOUND', 'there is no firewall to take over', {
        why: 'no HostEndpoint in this cluster is somebody else’s',
        fix: found.situation.hostEndpoints.length > 0 ? 'bring ours up to date: kubectl calico-fw sync' : 'make one: kubectl calico-fw init',
      })
    tellTheirs(command, found, read, options)
    const words = ['kubectl calico-fw adopt', ...(filename === undefined ? [] : ['-f', shellWord(filename)])].join(' ')
    const adopting = { workloads: await podLabels(command) }
    return converge(command, 'Adopt', found, { firewall: given ?? read.firewall, words }, { ...options, adopting })
  })
}

const tellTheirs = (
  { printer, context }: CommandContext,
  { facts }: Survey,
  { firewall, leftOut }: AdoptedFirewall,
  { filename, dryRun }: AdoptOptions,
): void => {
  const columns = Math.min(context.stderr.columns ?? 80, 100)
  const theirs = facts.hostEndpoints.filter((one) => !isOurs(one)).map((one) => formatRef(refOf(one)))
  printer.talk(
    `\n${wrap(`In force today: ${theirs.slice(0, 8).join(', ')}${theirs.length > 8 ? ` and ${theirs.length - 8} more` : ''}.`, { columns })}`,
  )
  if (filename === undefined && dryRun !== 'client') printer.talk(`\nThe same as a file:\n\n${formatHostFirewall(firewall).trimEnd()}`)
  if (leftOut.length > 0) printer.talk(`\nWhat the file cannot say:\n${leftOut.map((text) => wrap(text, { columns, first: '  ! ' })).join('\n')}`)
}

/** Labels of every pod as selectors see them, without those of its namespace and ServiceAccount: a policy that asks for these governs no HostEndpoint. */
const podLabels = async ({ cluster }: CommandContext): Promise<Labels[]> =>
  ((await cluster.api.list(resourceOf('v1', 'Pod'))) ?? []).map(({ metadata }) => ({
    ...metadata.labels,
    [namespaceLabel]: metadata.namespace ?? '',
    'projectcalico.org/orchestrator': 'k8s',
  }))
