import { keys, names, ownLabels } from '../../calico/names.ts'
import { v3 } from '../../calico/resources.ts'
import type { HostEndpoint } from '../../calico/shapes.ts'
import { type Address, familyOf, numberOf } from '../../net/address.ts'
import type { Facts } from '../facts/facts.ts'
import type { SelectedInterface } from '../plan/selection.ts'
import { hostEndpointName } from './host-endpoint-name.ts'
import { canSend } from './network-sets.ts'

/**
 * The HostEndpoint of one NIC in one run: named and with an interface name, so that loopback, tunnels and pods are none of its business; with
 * profile projectcalico-default-allow, without which a HostEndpoint no normal policy selects drops all of the node's own traffic.
 */
export const hostEndpoint = ({ node, interfaceName, labels }: SelectedInterface, run: number, expectedIPs: readonly Address[]): HostEndpoint => ({
  apiVersion: v3,
  kind: 'HostEndpoint',
  metadata: { name: hostEndpointName(node.name, interfaceName), labels: { ...labels, ...ownLabels({ [keys.run]: `${run}` }) } },
  spec: { node: node.name, interfaceName, expectedIPs, profiles: [names.defaultAllowProfile] },
})

/**
 * The addresses a NIC is expected to have: those the facts see on it, or the node's InternalIPs where they see none on any. Floating VIPs
 * are left out: they move, and the object would change with them. Nothing of ours depends on these; the user's own selectors may.
 */
export const expectedIPs = ({ node, interfaceName }: SelectedInterface, floating: ReadonlySet<Address>): Address[] => {
  const seen = node.interfaces.some(({ addresses }) => addresses.length > 0)
  const addresses = seen
    ? node.interfaces.filter(({ name }) => name === interfaceName).flatMap((known) => known.addresses)
    : node.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
  const own = new Set(node.addresses.map(({ address }) => address))
  return [...new Set(addresses)].filter((address) => canSend(address) && (own.has(address) || !floating.has(address))).sort(byAddress)
}

/** Addresses that move between nodes: of load balancers, external IPs, and API endpoints. */
export const floatingAddresses = ({ services, apiEndpoints }: Pick<Facts, 'services' | 'apiEndpoints'>): Set<Address> =>
  new Set([
    ...services.flatMap(({ loadBalancerIPs, externalIPs }) => [...loadBalancerIPs, ...externalIPs]),
    ...apiEndpoints.map(({ address }) => address),
  ])

const byAddress = (one: Address, other: Address): number => {
  if (familyOf(one) !== familyOf(other)) return familyOf(one) - familyOf(other)
  return numberOf(one) < numberOf(other) ? -1 : 1
}
