import type { FelixConfiguration } from '../calico/shapes.ts'
import type { FelixSetting } from '../firewall/facts/components.ts'

/** What of Felix's configuration changes how HostEndpoints, NodePorts and tunnels behave, and where it says how it does; by the field of FelixConfiguration. */
const fields = [
  'allowIPIPPacketsFromWorkloads',
  'allowVXLANPacketsFromWorkloads',
  'bpfDataIfacePattern',
  'bpfEnabled',
  'bpfExternalServiceMode',
  'chainInsertMode',
  'defaultEndpointToHostAction',
  'healthEnabled',
  'healthPort',
  'interfaceExclude',
  'interfacePrefix',
  'ipipEnabled',
  'iptablesBackend',
  'iptablesFilterAllowAction',
  'iptablesMangleAllowAction',
  'kubeNodePortRanges',
  'nftablesMode',
  'prometheusMetricsEnabled',
  'prometheusMetricsPort',
  'vxlanEnabled',
  'vxlanPort',
  'wireguardEnabled',
  'wireguardEnabledV6',
  'wireguardListeningPort',
  'wireguardListeningPortV6',
] as const

/**
 * Felix's settings in force where a node has none of its own: calico-node's environment (`FELIX_` and the field's name, in any case) before
 * FelixConfiguration `default`. What neither sets is Felix's default and left out.
 */
export const felixSettingsOf = (environment: Readonly<Record<string, string>>, configurations: readonly FelixConfiguration[]): FelixSetting[] => {
  const variables = new Map(Object.entries(environment).map(([name, value]) => [name.toLowerCase(), { name, value }]))
  const spec: Readonly<Record<string, unknown>> = { ...configurations.find(({ metadata }) => metadata.name === 'default')?.spec }
  return fields.flatMap((name): FelixSetting[] => {
    const variable = variables.get(`felix_${name.toLowerCase()}`)
    if (variable !== undefined) return [{ name, value: variable.value, source: `environment variable ${variable.name}` }]
    const value = spec[name]
    if (value === undefined || value === null) return []
    return [{ name, value: Array.isArray(value) ? value.join(',') : String(value), source: 'FelixConfiguration default' }]
  })
}
