import type { RuleProtocol } from '../calico/shapes.ts'
import type { ApiEndpoint, Facts, NodeFacts } from '../firewall/facts.ts'
import type { AllowEntry, HostFirewall } from '../firewall/host-firewall.ts'
import { type Address, addressOf, familyOf, isAddress, parseAddress } from '../net/address.ts'
import { type Cidr, partsOf, rangeOf } from '../net/cidr.ts'
import type { LifeLine } from './life-line.ts'

/** Below this number every pair of nodes is asked; above it every node as sender and as receiver, with its neighbours and the control plane. */
const allPairs = 16

/** Stands for everybody outside: documentation networks (RFC 5737, RFC 3849) are nobody's. */
const outsiders = ['203.0.113.1', '2001:db8:ffff::1'].map(parseAddress)

/**
 * The life lines known today: node to node, nodes and pods to the API, API server to kubelet, pods to nodes and to pods across nodes, the
 * operator to the API and to SSH, and what the file opens.
 */
export const knownLifeLines = (facts: Facts, firewall: HostFirewall): LifeLine[] => [
  ...betweenNodes(facts.nodes),
  ...toApi(facts),
  ...toKubelets(facts.nodes),
  ...betweenPods(facts.nodes),
  ...fromOperator(facts),
  ...firewall.spec.allow.flatMap((entry) => openings(entry, facts)),
]

const internal = (node: NodeFacts): Address[] => node.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)

/** Addresses of two lists that can talk to each other. */
const meet = (from: readonly Address[], to: readonly Address[]): [Address, Address][] =>
  from.flatMap((source) => to.filter((address) => familyOf(address) === familyOf(source)).map((address): [Address, Address] => [source, address]))

const pairs = (nodes: readonly NodeFacts[]): [NodeFacts, NodeFacts][] => {
  const isNear = (from: number, to: number) => nodes.length <= allPairs || (to - from + nodes.length) % nodes.length <= 2
  const central = nodes.filter(({ controlPlane }) => controlPlane)
  const near = nodes.flatMap((one, from) => nodes.filter((_, to) => isNear(from, to)).map((other): [NodeFacts, NodeFacts] => [one, other]))
  const hub =
    nodes.length <= allPairs
      ? []
      : central.flatMap((one) =>
          nodes.flatMap((other): [NodeFacts, NodeFacts][] => [
            [one, other],
            [other, one],
          ]),
        )
  return [...near, ...hub].filter(([one, other]) => one !== other)
}

const trustNodes =
  'keep the nodes set: GlobalNetworkSet calico-fw-nodes must hold every node address, and nothing may be ordered before calico-fw-base'

const samples: readonly { readonly protocol: RuleProtocol; readonly port?: number; readonly what: string }[] = [
  { protocol: 'TCP', port: 179, what: 'BGP (179/tcp)' },
  { protocol: 'TCP', port: 9100, what: 'any TCP port (9100/tcp)' },
  { protocol: 'UDP', port: 4789, what: 'VXLAN (4789/udp)' },
  { protocol: 4, what: 'IPIP (protocol 4)' },
]

const betweenNodes = (nodes: readonly NodeFacts[]): LifeLine[] =>
  pairs(nodes).flatMap(([one, other]) =>
    meet(internal(one), internal(other)).flatMap(([source, destination]) =>
      samples.map(({ what, ...kind }) => ({
        title: `node ${one.name} -> node ${other.name}, ${what}`,
        connection: { source, destination, ...kind },
        why: 'nodes need each other for routing, overlays, Typha, etcd and storage',
        remedy: trustNodes,
        nodes: [one.name, other.name],
      })),
    ),
  )

const toKubelets = (nodes: readonly NodeFacts[]): LifeLine[] =>
  nodes
    .filter(({ controlPlane }) => controlPlane)
    .flatMap((server) =>
      nodes.flatMap((node) =>
        meet(internal(server), internal(node)).map(([source, destination]) => ({
          title: `API server on ${server.name} -> kubelet of ${node.name} (10250/tcp)`,
          connection: { source, destination, protocol: 'TCP' as const, port: 10250 },
          why: 'logs, exec, port-forward and the node proxy go this way',
          remedy: trustNodes,
          nodes: [server.name, node.name],
        })),
      ),
    )

/** Where the API is reached: every discovered endpoint, and the ClusterIP of Service default/kubernetes. */
const apiTargets = (facts: Facts): Pick<ApiEndpoint, 'address' | 'port' | 'node'>[] => {
  const service = facts.services.find(({ namespace, name }) => namespace === 'default' && name === 'kubernetes')
  const cluster = service?.clusterIPs.flatMap((address) => service.ports.map(({ port }) => ({ address, port }))) ?? []
  return [...facts.apiEndpoints, ...cluster]
}

const toApi = (facts: Facts): LifeLine[] =>
  facts.nodes.flatMap((node) => {
    const callers = [
      ...internal(node).map((address) => ({ who: `node ${node.name}`, address })),
      ...podOf(node).map((address) => ({ who: `a pod on ${node.name}`, address })),
    ]
    return apiTargets(facts).flatMap(({ address, port, node: owner }) =>
      callers
        .filter((caller) => familyOf(caller.address) === familyOf(address))
        .map((caller) => ({
          title: `${caller.who} -> API at ${address}:${port}`,
          connection: { source: caller.address, destination: address, protocol: 'TCP' as const, port },
          why: 'kubelet, kube-proxy, Felix and controllers live on it; a Felix without the API hears of no opening any more',
          remedy: `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound`,
          nodes: owner === undefined ? [] : [node.name, owner],
        })),
    )
  })

/** An address in the node's pod network no pod is likely to share with a tunnel: the last but one. */
const podOf = ({ podCidrs }: NodeFacts): Address[] => podCidrs.map((cidr) => addressOf(familyOf(cidr), rangeOf(cidr).last - 1n))

const betweenPods = (nodes: readonly NodeFacts[]): LifeLine[] => {
  const remedy = 'keep the trusted set: GlobalNetworkSet calico-fw-trusted must hold every IPPool'
  const across = pairs(nodes).flatMap(([one, other]) => [
    ...meet(podOf(one), internal(other)).map((ends) => ({ ends, to: `node ${other.name}`, one, other })),
    ...meet(podOf(one), podOf(other)).map((ends) => ({ ends, to: `a pod on ${other.name}`, one, other })),
    ...meet(internal(one), podOf(other)).map((ends) => ({ ends, to: `a pod on ${other.name}`, one, other, from: `node ${one.name}` })),
  ])
  const own = nodes.flatMap((one) => meet(podOf(one), internal(one)).map((ends) => ({ ends, to: 'its own node', one, other: one })))
  return [...across, ...own].map(({ ends: [source, destination], to, one, other, ...rest }) => ({
    title: `${'from' in rest ? rest.from : `a pod on ${one.name}`} -> ${to} (9100/tcp)`,
    connection: { source, destination, protocol: 'TCP' as const, port: 9100 },
    why: 'workloads, DNS, probes and webhooks live on it',
    remedy,
    nodes: [one.name, other.name],
  }))
}

const fromOperator = (facts: Facts): LifeLine[] => {
  const targets = [...kubeconfigTarget(facts.cluster.server), ...facts.apiEndpoints]
  const unique = targets.filter(({ address, port }, at) => targets.findIndex((one) => one.address === address && one.port === port) === at)
  const api = unique.flatMap(({ address, port }) =>
    meet(facts.operatorAddresses, [address]).map(([source]) => ({
      title: `the operator (${source}) -> API at ${address}:${port}`,
      connection: { source, destination: address, protocol: 'TCP' as const, port },
      why: 'it is the way this tool, and its undo, reach the cluster',
      remedy: `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound, or ${source} to spec.trustedNets`,
      nodes: [],
    })),
  )
  const ssh = facts.nodes.flatMap((node) =>
    meet(facts.operatorAddresses, internal(node)).map(([source, destination]) => ({
      title: `the operator (${source}) -> SSH on ${node.name} (22/tcp)`,
      connection: { source, destination, protocol: 'TCP' as const, port: 22 },
      why: 'it is the last way in when the API is gone',
      remedy: `add {protocol: TCP, port: 22} to spec.extraFailsafePorts.inbound, or allow 22/tcp to the nodes from ${source}`,
      nodes: [node.name],
    })),
  )
  return [...api, ...ssh]
}

/** A kubeconfig that names a host and no address is covered by the discovered endpoints alone. */
const kubeconfigTarget = (server: string): { address: Address; port: number }[] => {
  const match = /^https?:\/\/(?:\[([^\]]+)\]|([^:/]+))(?::(\d+))?/.exec(server)
  const host = match?.[1] ?? match?.[2] ?? ''
  return isAddress(host) ? [{ address: parseAddress(host), port: Number(match?.[3] ?? 443) }] : []
}

const firstOf = (cidr: Cidr): Address => partsOf(cidr).address

/** What an entry of the file opens must stay open for whom it names: its first address and each range's first port stand for the rest. */
const openings = ({ name, to, from, traffic }: AllowEntry, facts: Facts): LifeLine[] => {
  const sources = from?.nets.map(firstOf) ?? [...outsiders, ...facts.operatorAddresses]
  const targets =
    'nodes' in to
      ? facts.nodes.flatMap((node) => internal(node).map((address) => ({ address, nodes: [node.name] })))
      : to.nets.map((net) => ({ address: firstOf(net), nodes: [] }))
  return targets.flatMap(({ address, nodes }) =>
    meet(sources, [address]).flatMap(([source, destination]) =>
      traffic.flatMap(({ protocol, ports }) =>
        (ports.length === 0 ? [{ first: 1 }] : ports).map(({ first }) => ({
          title: `allow entry ${name}: ${source} -> ${destination}:${first}/${protocol.toLowerCase()}`,
          connection: { source, destination, protocol, port: first },
          why: 'the file opens it',
          remedy: `look at entry ${name} of spec.allow: its policy must come before every Deny`,
          nodes,
        })),
      ),
    ),
  )
}
