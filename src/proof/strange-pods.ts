import type { Facts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { addressesOf, trustedNets } from '../firewall/objects/network-sets.ts'
import { type Address, familyOf } from '../net/address.ts'
import { hostCidr, networkOf } from '../net/cidr.ts'
import { netIndex } from '../net/net-index.ts'
import type { ProofRefusal } from './life-line.ts'

/**
 * Pods behind Services whose addresses nobody trusts: a CNI hands them out that Calico does not know (Amazon's, Azure's), so no IPPool tells their network and no
 * life line of pods asks for them. Closed nodes would take them for strangers.
 */
export const strangePods = (facts: Facts, firewall: HostFirewall): ProofRefusal[] => {
  const ofNodes = new Set(facts.nodes.flatMap(addressesOf))
  const floating = new Set(facts.apiEndpoints.map(({ address }) => address))
  const trusted = netIndex(trustedNets(facts, firewall))
  const seen = facts.services.flatMap(({ namespace, name, endpoints }) =>
    endpoints
      .filter(({ address, node }) => node !== undefined && !ofNodes.has(address) && !floating.has(address) && !trusted.covers(hostCidr(address)))
      .map(({ address, node }) => ({ address, node, service: `${namespace}/${name}` })),
  )
  const [first] = seen
  if (first === undefined) return []
  const count = new Set(seen.map(({ address }) => address)).size
  return [
    {
      flow: `pod ${first.address} of Service ${first.service} on ${first.node} -> nodes${count > 1 ? ` (and ${count - 1} more)` : ''}`,
      state: 'committed',
      rule: `${first.address} is in no IPPool, no pod range of a node and no trusted network`,
      why: 'metrics, DNS, webhooks and whatever else pods ask of nodes live on it',
      remedy: `add the network pods get their addresses from to spec.trustedNets: --trust CIDR, for example ${around(first.address)}`,
    },
  ]
}

const around = (address: Address): string => networkOf(address, familyOf(address) === 4 ? 16 : 64)
