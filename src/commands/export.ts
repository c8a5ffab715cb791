import { parse } from 'yaml'
import { names, toolNamespace } from '../calico/names.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatHostFirewall } from '../firewall/file/firewall-text.ts'
import type { CommandContext } from './context.ts'
import { keptFirewall } from './kept-firewall.ts'

/** Prints the file of the firewall the cluster keeps. */
export const run = async ({ cluster, printer }: CommandContext): Promise<ExitCode> => {
  const kept = await cluster.api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name: names.firewall })
  const text = formatHostFirewall(keptFirewall({ own: kept === undefined ? [] : [kept] }))
  const { metadata, spec } = parse(text) as Readonly<Record<string, unknown>>
  printer.data(text.trimEnd())
  printer.document('HostFirewall', { metadata, spec })
  return exitCodes.ok
}
