import { keys, names, toolNamespace } from '../calico/names.ts'
import { resourceOf, v3 } from '../calico/resources.ts'
import type { Api } from '../cluster/api.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { openSet } from '../firewall/objects/network-sets.ts'
import { openEverything } from '../rollout/perform/open.ts'
import { clusterLine } from './cluster-words.ts'
import type { CommandContext } from './context.ts'
import { switchFlavour } from './switch-flavour.ts'

/** How long `open` keeps trying, in milliseconds. */
const patienceMs = 60_000
/** How long a look whether there is a firewall may take: it goes beside the opening, which waits for nothing. */
const lookMs = 3_000

/**
 * Opens every node this tool closed, in one write, without lock, discovery or question: the emergency exit. Nothing is deleted, so closing again is a new trial.
 */
export const run = async ({ cluster, context, printer }: CommandContext): Promise<ExitCode> => {
  printer.talk(clusterLine(cluster))
  const found = hasFirewall(cluster.api)
  const how = await openEverything(cluster.api, context.clock, {
    openSet: openSet(await switchFlavour(cluster.api)),
    gate: undefined,
    untilMs: context.clock.now() + patienceMs,
    note: printer.talk,
  })
  if (await found) {
    printer.talk(`Open: ${how}. Every node this tool closed is open to everyone within seconds.`)
    printer.talk('close again, on trial:            kubectl calico-fw sync')
    printer.talk('undo the last change:             kubectl calico-fw rollback   # what earlier changes closed closes again, on trial')
    printer.talk('take everything away, stay open:  kubectl calico-fw rollback --to 0')
  } else {
    printer.talk('This cluster has no firewall of this tool: nothing was closed, and nothing has changed for anyone. Is it the right cluster?')
    printer.talk(`take GlobalNetworkSet ${names.openSet} away again:  kubectl calico-fw rollback --to 0`)
  }
  printer.document('Opened', { how })
  return exitCodes.ok
}

/** Whether this tool has anything here that could close; where nobody can tell it has. Thousands of HostEndpoints are listed only where their file is gone. */
const hasFirewall = async (api: Api): Promise<boolean> => {
  const options = { timeoutMs: lookMs }
  try {
    if ((await api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name: names.firewall }, options)) !== undefined) return true
    const hostEndpoints = await api.list(resourceOf(v3, 'HostEndpoint'), { ...options, labelSelector: keys.run })
    return hostEndpoints === undefined || hostEndpoints.length > 0
  } catch {
    return true
  }
}
