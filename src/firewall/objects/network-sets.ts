import { keys, names, ownLabels, worldHalves } from '../../calico/names.ts'
import { v3 } from '../../calico/resources.ts'
import type { NetworkSet } from '../../calico/shapes.ts'
import type { Address } from '../../net/address.ts'
import { type Cidr, holds, hostCidr, mergeCidrs, parseCidr, rangeOf, sortCidrs } from '../../net/cidr.ts'
import { type PlaceFacts, standsWithNodes } from '../facts/api-places.ts'
import type { Facts, Flavour, NodeFacts } from '../facts/facts.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { switchApiVersion } from './gate.ts'

const neverASender = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '::/128', '::1/128', 'ff00::/8'].map((net) => rangeOf(parseCidr(net)))

/** Whether a packet on the wire can come from this address: not loopback, unspecified or multicast. */
export const canSend = (address: Address): boolean => !neverASender.some((range) => holds(range, address))

/** Every address known to be this node's: status, annotations, tunnels and NICs, all families. */
export const addressesOf = (node: NodeFacts): Address[] => [
  ...new Set([
    ...node.addresses.map(({ address }) => address),
    ...node.otherAddresses.map(({ address }) => address),
    ...node.interfaces.flatMap(({ addresses }) => addresses),
  ]),
]

/** The addresses of the nodes set: every node, NotReady ones too, and API addresses that stand with them (VIPs, hosted control planes beside them). */
export const nodeAddresses = (facts: Pick<Facts, 'apiEndpoints'> & PlaceFacts): Set<Address> =>
  new Set([...facts.nodes.flatMap(addressesOf), ...facts.apiEndpoints.filter(standsWithNodes(facts)).map(({ address }) => address)].filter(canSend))

/** Addresses as the sorted nets of a set. */
export const hostNets = (addresses: Iterable<Address>): Cidr[] => sortCidrs(Array.from(addresses, hostCidr))

/** The nets of the trusted set: pods, services, and what the user trusts. Pods keep their address towards nodes where nothing masquerades. */
export const trustedNets = (facts: Pick<Facts, 'podCidrs' | 'serviceCidrs'>, firewall: HostFirewall): Cidr[] =>
  mergeCidrs([...facts.podCidrs, ...facts.serviceCidrs, ...firewall.spec.trustedNets])

const globalSet = (name: string, label: string, nets: readonly string[], apiVersion: string = v3): NetworkSet => ({
  apiVersion,
  kind: 'GlobalNetworkSet',
  metadata: { name, labels: ownLabels({ [keys.set]: label }) },
  spec: { nets },
})

/** GlobalNetworkSet calico-fw-nodes. */
export const nodesSet = (nets: readonly string[]): NetworkSet => globalSet(names.nodesSet, 'nodes', nets)

/** GlobalNetworkSet calico-fw-trusted. */
export const trustedSet = (nets: readonly string[]): NetworkSet => globalSet(names.trustedSet, 'trusted', nets)

/** GlobalNetworkSet calico-fw-open: absent in peace; creating it opens every HostEndpoint of ours in one write. */
export const openSet = (flavour: Flavour): NetworkSet => globalSet(names.openSet, 'open', [...worldHalves], switchApiVersion(flavour))
