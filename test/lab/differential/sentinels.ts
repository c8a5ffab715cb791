import { v3 } from '../../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, PolicySpec } from '../../../src/calico/shapes.ts'
import type { NodeHost } from '../layout.ts'
import type { RulesText } from '../rules/dump.ts'
import { tenantNamespace } from './arbitrary-objects.ts'

/**
 * How one knows that Felix has programmed a change. Objects of one kind reach Felix in the order they were written, and all kinds go to the kernel
 * together: so each kind has a sentinel that is written last, with the change's number in it, and rules on an interface of their own show them all.
 */
export const sentinelInterface = 'sent0'

const label = 'fw-sentinel'

/** Four nets that say a change's number, one for each kind of object. */
const netsOf = (change: number): Readonly<Record<'policy' | 'globalSet' | 'set' | 'endpoint', string>> => {
  const rest = `${Math.floor(change / 250)}.${1 + (change % 250)}`
  return { policy: `198.18.${rest}`, globalSet: `198.19.${rest}`, set: `100.64.${rest}`, endpoint: `100.65.${rest}` }
}

/** The sentinels of a change, to be written after every other object of their kind. */
export const sentinels = (nodes: readonly NodeHost[], change: number): (GlobalNetworkPolicy | HostEndpoint | NetworkSet)[] => {
  const nets = netsOf(change)
  const allow = { action: 'Allow' as const, source: { nets: [`${nets.policy}/32`] } }
  const bySet = (value: string) => ({ action: 'Allow' as const, source: { selector: `${label} == '${value}'` } })
  const policy = (name: string, spec: PolicySpec): GlobalNetworkPolicy => ({
    apiVersion: v3,
    kind: 'GlobalNetworkPolicy',
    metadata: { name: `zz-sentinel-${name}` },
    spec: { tier: 'default', selector: `${label} == 'endpoint'`, types: ['Ingress'], ...spec },
  })
  return [
    {
      apiVersion: v3,
      kind: 'GlobalNetworkSet',
      metadata: { name: 'zz-sentinel', labels: { [label]: 'global-set' } },
      spec: { nets: [`${nets.globalSet}/32`] },
    },
    {
      apiVersion: v3,
      kind: 'NetworkSet',
      metadata: { name: 'zz-sentinel', namespace: tenantNamespace, labels: { [label]: 'set' } },
      spec: { nets: [`${nets.set}/32`] },
    },
    policy('raw', { doNotTrack: true, applyOnForward: true, ingress: [allow] }),
    policy('pre', { preDNAT: true, applyOnForward: true, ingress: [allow] }),
    policy('normal', { ingress: [allow, bySet('global-set'), bySet('set'), bySet('elsewhere')] }),
    ...nodes.map(
      ({ fqdn, name }): HostEndpoint => ({
        apiVersion: v3,
        kind: 'HostEndpoint',
        metadata: { name: `zz-sentinel-${name}`, labels: { [label]: 'endpoint' } },
        spec: { node: fqdn, interfaceName: sentinelInterface },
      }),
    ),
    {
      apiVersion: v3,
      kind: 'HostEndpoint',
      metadata: { name: 'zz-sentinel', labels: { [label]: 'elsewhere' } },
      spec: { node: 'nowhere', expectedIPs: [nets.endpoint] },
    },
  ]
}

/** What of a change a node's rules do not show yet; empty once all is programmed. */
export const missing = ({ iptables, ipsets, nft }: RulesText, isNative: boolean, change: number): string[] => {
  const { policy, ...sets } = netsOf(change)
  const shows = (text: string, net: string) => new RegExp(`[^0-9.]${net.replaceAll('.', '\\.')}([^0-9]|$)`).test(text)
  const setsText = isNative ? nft : ipsets
  return [
    ...(isNative
      ? ['raw', 'mangle', 'filter'].filter((table) => !nativeRules(nft, table, policy))
      : tablesOf(iptables)
          .filter(({ text }) => !shows(text, policy))
          .map(({ name }) => name)),
    ...Object.entries(sets).flatMap(([kind, net]) => (shows(setsText, net) ? [] : [kind])),
  ]
}

const tablesOf = (text: string): { readonly name: string; readonly text: string }[] =>
  ['raw', 'mangle', 'filter'].map((name) => {
    const from = text.indexOf(`\n*${name}\n`)
    return { name, text: from < 0 ? '' : text.slice(from, text.indexOf('\nCOMMIT', from)) }
  })

/** In nftables mode one table holds all, and a chain's name begins with what was a table. */
const nativeRules = (nft: string, table: string, net: string): boolean =>
  nft.split('{"rule":').some((rule) => rule.includes(`"chain": "${table}-cali-pi`) && rule.includes(`"${net}"`))
