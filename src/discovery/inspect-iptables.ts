import type { FilterBackend, HostInputRule } from '../firewall/facts/inspection.ts'
import type { Family } from '../net/address.ts'

/** The filter table of one backend and family, as `iptables-save -t filter` prints it. */
export interface SavedFilter {
  readonly backend: Exclude<FilterBackend, 'nftables'>
  readonly family: Family
  readonly text: string
}

/** What stands in a filter table. */
export interface FilterTable {
  readonly hasCalico: boolean
  readonly hasKubeProxy: boolean
  readonly hostInput: readonly HostInputRule[]
}

/** Chains of Calico, kube-proxy and the kubelet: no firewall of the node's own. kube-router's are policy of somebody else's and count. */
const isKnownChain = (name: string): boolean => name.startsWith('cali-') || (name.startsWith('KUBE-') && !name.startsWith('KUBE-ROUTER-'))

/** A firewall deeper than this would be a loop, which the kernel does not take. */
const deepest = 16

/**
 * Rules a packet to the node itself may be dropped or rejected by, found by walking INPUT and every chain it leads to. Left out is what Calico does as
 * well: dropping what conntrack calls INVALID.
 */
export const filterTable = ({ backend, family, text }: SavedFilter): FilterTable => {
  const chains = new Map<string, string[]>()
  const policies = new Map<string, string>()
  for (const line of text.split('\n')) {
    const chain = /^:(\S+) (\S+)/.exec(line)
    if (chain !== null) {
      chains.set(chain[1] ?? '', [])
      policies.set(chain[1] ?? '', chain[2] ?? '')
    }
    const rule = /^(?:\[\d+:\d+\] )?(-A (\S+) .*)$/.exec(line)
    if (rule !== null) chains.get(rule[2] ?? '')?.push(rule[1] ?? '')
  }
  const hasCalico = chains.has('cali-INPUT')
  const found: HostInputRule[] = []
  const add = (path: readonly string[], rule: string): void => {
    found.push({ backend, family, chain: path.join(' -> '), text: rule, bypassed: hasCalico })
  }
  const walk = (path: readonly string[]): void => {
    for (const rule of chains.get(path.at(-1) ?? '') ?? []) {
      const target = /(?: -[jg]) (\S+)/.exec(rule)?.[1] ?? ''
      if ((target === 'DROP' || target === 'REJECT') && !isInvalidOnly(rule)) add(path, rule)
      if (chains.has(target) && !isKnownChain(target) && path.length < deepest && !path.includes(target)) walk([...path, target])
    }
  }
  walk(['INPUT'])
  if (policies.get('INPUT') === 'DROP') add(['INPUT'], '-P INPUT DROP')
  return { hasCalico, hasKubeProxy: ['KUBE-SERVICES', 'KUBE-NODE-PORT', 'KUBE-IPVS-FILTER'].some((name) => chains.has(name)), hostInput: found }
}

const isInvalidOnly = (rule: string): boolean => /(?<!! )--(?:ct)?state INVALID(?:\s|$)/.test(rule)
