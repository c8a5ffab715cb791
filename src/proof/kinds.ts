import { readNet } from '../calico/nets.ts'
import type { KubeObject } from '../calico/object.ts'
import type { EntityRule, GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../calico/shapes.ts'
import type { Facts, HostPortFacts } from '../firewall/facts/facts.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import type { Address } from '../net/address.ts'
import type { AddressRange } from '../net/cidr.ts'
import { partition } from '../net/partition.ts'
import type { Change } from './change.ts'
import { podOf } from './pod-address.ts'
import { relevantServices } from './relevant-services.ts'
import { isHostEndpoint, isPolicy, isSet } from './world-edits.ts'

/** What stands for what: the kind of each node, and the class of each address some verdict may ask about. */
export interface Kinds {
  readonly of: ReadonlyMap<string, string>
  /** What others can tell of each node: the lists its addresses and pods are in, and the labels of HostEndpoints that expect them. */
  readonly seenAs: ReadonlyMap<string, string>
  /** Two addresses of one class are in the same lists of nets, everywhere. */
  readonly classOf: (address: Address) => number | undefined
}

/**
 * The kind of every node: a text equal for two nodes exactly when nothing a verdict looks at tells them apart, in any state of the change, but
 * for when their HostEndpoints are written. That is: what every list of nets anywhere says of each of their addresses, which HostEndpoints
 * they get, with which labels and profiles on which interface, their failsafes, and their part in the control plane. A verdict on two nodes
 * then holds for every two nodes of their kinds, and a proof costs what the kinds cost, not what the nodes do.
 */
export const kindsOf = (facts: Facts, change: Change): Kinds => {
  const classes = classesOf(facts, change)
  const planned = hostEndpointsBy(change.objects.filter(isHostEndpoint))
  const present = hostEndpointsBy(facts.hostEndpoints)
  const removed = new Set(change.removes.filter(({ kind }) => kind === 'HostEndpoint').map(({ name }) => name))
  const roles = rolesOf(facts)
  const published = new Map<string, HostPortFacts[]>()
  for (const one of facts.hostPorts ?? []) push(published, one.node, one)
  const seenAs = new Map<string, string>()
  const of = new Map(
    facts.nodes.map((node) => {
      const own = addressesOf(node)
      const inOrder = [...(present.byNode.get(node.name) ?? []), ...(planned.byNode.get(node.name) ?? [])].sort((one, other) =>
        one.metadata.name < other.metadata.name ? -1 : 1,
      )
      const strangers = own.flatMap((address, at) =>
        [present, planned].flatMap(({ byAddress }) =>
          (byAddress.get(address) ?? []).filter(({ spec }) => spec.node !== node.name).map(({ metadata }) => [at, metadata.labels]),
        ),
      )
      const seen = JSON.stringify([
        node.addresses.map(({ type, address }) => [type, classes.get(address)]),
        own.map((address) => classes.get(address)),
        podOf(node).map((address) => classes.get(address)),
        inOrder.map(({ metadata, spec }) => [metadata.labels, spec.ports, spec.expectedIPs?.map((ip) => own.indexOf(ip as Address))]),
        strangers,
      ])
      seenAs.set(node.name, seen)
      const text = JSON.stringify([
        seen,
        node.controlPlane,
        node.interfaces.map(({ name, addresses }) => [name, addresses.map((address) => own.indexOf(address))]),
        node.podCidrs.length,
        failsafesText(facts.failsafes[node.name]),
        inOrder.map((one, at) => [shapeOf(one, own), inOrder[at - 1]?.metadata.name === one.metadata.name, removed.has(one.metadata.name)]),
        published.get(node.name)?.map(({ protocol, hostPort, hostIP }) => [protocol, hostPort, hostIP && own.indexOf(hostIP)]),
        roles.get(node.name),
      ])
      return [node.name, text]
    }),
  )
  return { of, seenAs, classOf: (address) => classes.get(address) }
}

const shapeOf = ({ metadata, spec }: HostEndpoint, own: readonly Address[]) => [
  metadata.labels,
  spec.profiles,
  spec.interfaceName,
  spec.ports,
  spec.expectedIPs?.map((ip) => own.indexOf(ip as Address)),
]

/** Lists are compared by what they say, and by whether this plan changes them. */
const failsafesText = (lists: Facts['failsafes'][string] | undefined) =>
  lists &&
  [lists.inbound, lists.outbound].map(({ ports, source }) => [ports, source.kind === 'felixconfiguration' ? source.name === 'default' : source.kind])

/** Addresses of the API and of Typha make a node one of its own: lifelines dial it by them. */
const rolesOf = ({ apiEndpoints, felixPeers, operatorAddresses, nodes, components }: Facts): Map<string, string[]> => {
  const roles = new Map<string, string[]>()
  for (const { name, nodes: own = [] } of components?.programs ?? []) for (const node of own) push(roles, node, name)
  for (const { address, node } of components?.etcd?.members ?? []) if (node !== undefined) push(roles, node, `etcd ${address}`)
  for (const { name, kubeletPort } of nodes) if (kubeletPort !== undefined) push(roles, name, `kubelet ${kubeletPort}`)
  for (const { node, address, port } of [...apiEndpoints, ...felixPeers])
    if (node !== undefined) roles.set(node, [...(roles.get(node) ?? []), `${address}:${port}`])
  const operators = new Set<string>(operatorAddresses)
  for (const node of nodes)
    if (addressesOf(node).some((address) => operators.has(address))) roles.set(node.name, [...(roles.get(node.name) ?? []), 'operator'])
  return roles
}

interface Grouped {
  readonly byNode: ReadonlyMap<string, HostEndpoint[]>
  readonly byAddress: ReadonlyMap<string, HostEndpoint[]>
}

const hostEndpointsBy = (endpoints: readonly HostEndpoint[]): Grouped => {
  const byNode = new Map<string, HostEndpoint[]>()
  const byAddress = new Map<string, HostEndpoint[]>()
  for (const endpoint of endpoints) {
    push(byNode, endpoint.spec.node, endpoint)
    for (const ip of endpoint.spec.expectedIPs ?? []) push(byAddress, ip, endpoint)
  }
  return { byNode, byAddress }
}

const push = <Value>(groups: Map<string, Value[]>, key: string, value: Value): void => {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [value])
  else group.push(value)
}

const classesOf = (facts: Facts, change: Change): ReadonlyMap<Address, number> =>
  partition(
    [
      ...facts.nodes.flatMap((node) => [...addressesOf(node), ...podOf(node)]),
      ...[...relevantServices(facts, change.firewall)].flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
    ],
    netLists(facts, change).map(rangesOf),
  )

/** Every list of nets some verdict may ask, in any state. */
const netLists = (facts: Facts, change: Change): (readonly string[])[] => {
  const objects: KubeObject[] = [...facts.networkSets, ...facts.policies, ...change.objects]
  const sides = objects
    .filter(isPolicy)
    .flatMap(rulesOf)
    .flatMap(({ source, destination }) => [source ?? {}, destination ?? {}])
  return [
    ...objects.filter(isSet).map(({ spec }: NetworkSet) => spec.nets ?? []),
    ...sides.flatMap(({ nets = [], notNets = [] }: EntityRule) => [nets, notNets]),
    ...facts.services.map(({ externalIPs, loadBalancerIPs, clusterIPs }) => [...externalIPs, ...loadBalancerIPs, ...clusterIPs]),
    ...namedServices(sides, facts),
    ...facts.services.flatMap(({ loadBalancerSourceRanges }) => (loadBalancerSourceRanges === undefined ? [] : [loadBalancerSourceRanges])),
    facts.kubeProxy.nodePortAddresses ?? [],
    ...[...failsafeNets(facts)].map((net) => [net]),
    ...(facts.ipPools ?? []).map(({ cidr }) => [cidr]),
    facts.podCidrs,
  ].filter((list) => list.length > 0)
}

const failsafeNets = ({ failsafes }: Facts): ReadonlySet<string> => {
  const nets = new Set<string>()
  for (const { inbound, outbound } of Object.values(failsafes))
    for (const list of [inbound, outbound]) for (const { net } of list.ports) if (net) nets.add(net)
  return nets
}

const namedServices = (sides: readonly EntityRule[], { services }: Facts): (readonly string[])[] => {
  const named = new Set(sides.flatMap((side) => (side.services === undefined ? [] : [side.services.name])))
  return services.filter(({ name }) => named.has(name)).map(({ endpoints }) => endpoints.map(({ address }) => address))
}

const rulesOf = ({ spec }: GlobalNetworkPolicy) => [...(spec.ingress ?? []), ...(spec.egress ?? [])]

const rangesOf = (nets: readonly string[]): AddressRange[] => nets.flatMap((net) => readNet(net) ?? [])
