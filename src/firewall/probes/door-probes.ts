import type { FailsafePort } from '../../calico/shapes.ts'
import type { Address } from '../../net/address.ts'
import { isHostCidr, partsOf } from '../../net/cidr.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { hostPort } from '../plan/failsafe-change.ts'
import { type Door, doorsOf, reachOf } from '../plan/openings.ts'
import type { Probe } from './probes.ts'
import type { Vantage } from './vantage.ts'

/** What the probes of a plan are made from. */
export interface ProbeInput {
  readonly facts: Facts
  readonly firewall: HostFirewall
  /** Inbound failsafes in force after the change. */
  readonly failsafes: readonly FailsafePort[]
  /** What `to: {nodes: true}` opens. */
  readonly nodeAddresses: ReadonlySet<Address>
  readonly vantage: Vantage
  /** Interfaces with a HostEndpoint once the run is done, by node. */
  readonly closed: ReadonlyMap<string, ReadonlySet<string>>
  /** The node this run closes last: only then can a VIP, which any node may answer for, be asked to look closed. Absent while some node stays open. */
  readonly lastClosed: string | undefined
}

/** At most this many NodePorts are looked at on one node, and ports of one range: a closed one takes its whole timeout to say so. */
const portLimit = 16
/** At most about so many on all nodes together; beside them each node's kubelet port is looked at. */
const doorLimit = 1_024

const kubeletPort = 10250

/** Whether it looks at a kubelet that should be closed: every node has one, so where it answered before and is silent now the node is closed. */
export const isKubeletDoor = ({ expect, target }: Probe): boolean => expect === 'closed' && target.kind === 'tcp' && target.port === kubeletPort

/** The kubelets of Ready nodes, as if all were closed. */
export const kubeletDoors = ({ nodes }: Facts): Probe[] =>
  nodes
    .filter(({ ready }) => ready)
    .flatMap((node) => onNode(node, kubeletPort, kubeletTitle(node)).map((one): Probe => ({ ...one, expect: 'closed' })))

const kubeletTitle = ({ name }: NodeFacts): string => `the kubelet's port ${kubeletPort} on ${name}`

/** The ports of closed nodes that Services stand on, and the kubelet's: every node listens there, so its silence proves that the node is closed. */
export const nodeDoorProbes = (input: ProbeInput, nodes: readonly NodeFacts[]): Probe[] => {
  const doors = doorsOf(input.facts).filter(({ kind, protocol }) => kind !== 'VIP' && protocol === 'TCP')
  const ports = [...new Set(doors.map(({ port }) => port))]
  const each = Math.max(1, Math.min(portLimit, Math.floor(doorLimit / nodes.length)))
  const every = Math.ceil(nodes.length / doorLimit)
  return nodes.flatMap((node, index) => [
    ...(index % every === 0 ? someOf(ports, index / every, each) : []).flatMap((port) =>
      nodeProbe(input, node, port, `NodePort ${port} on ${node.name}`),
    ),
    ...nodeProbe(input, node, kubeletPort, kubeletTitle(node)).filter(({ expect }) => expect === 'closed'),
  ])
}

/** VIPs of Services, and the TCP ports of single addresses the file allows although no Service has them, such as the API's own VIP. */
export const vipProbes = (input: ProbeInput): Probe[] => {
  const doors = doorsOf(input.facts).filter(({ protocol }) => protocol === 'TCP')
  const served = doors.flatMap(({ address, port }) => (address === undefined ? [] : [{ address, port }]))
  return [...served, ...allowedHosts(input.firewall)].flatMap(({ address, port }): Probe[] => {
    const expect = expectation(input, { protocol: 'TCP', port }, address)
    const probe = tcpProbe(address, port, `VIP ${hostPort(address, port)}`)
    if (expect === 'open') return [probe]
    return expect === undefined || input.lastClosed === undefined ? [] : [{ ...probe, expect, node: input.lastClosed }]
  })
}

/** A TCP probe of the address the API server dials, with the node it belongs to; none for a node without addresses. */
export const onNode = (node: NodeFacts, port: number, title: string): Probe[] => {
  const address = dialled(node)
  return address === undefined ? [] : [{ ...tcpProbe(address, port, title), node: node.name }]
}

const nodeProbe = (input: ProbeInput, node: NodeFacts, port: number, title: string): Probe[] =>
  onNode(node, port, title).flatMap((probe): Probe[] => {
    const address = dialled(node)
    if (address === undefined) return []
    const expect = expectation(input, { protocol: 'TCP', port }, address)
    return expect === undefined || (expect === 'closed' && !isGuarded(input, node, address)) ? [] : [{ ...probe, expect }]
  })

/** Whether the address comes in by a closed interface, as far as the facts tell. */
const isGuarded = ({ closed }: ProbeInput, node: NodeFacts, address: Address): boolean => {
  const holder = node.interfaces.find(({ addresses }) => addresses.includes(address))
  return holder === undefined || closed.get(node.name)?.has(holder.name) === true
}

/** What must be seen from here: `open` where we are let in, `closed` where we are not, nothing where we cannot tell. */
const expectation = ({ firewall, failsafes, nodeAddresses, vantage }: ProbeInput, door: Pick<Door, 'protocol' | 'port'>, address: Address) => {
  const reach = reachOf({ address, ...door }, firewall, failsafes, nodeAddresses)
  if (reach.to === 'everyone' || vantage.standing === 'trusted') return 'open'
  const among = reach.to === 'some' ? vantage.among(reach.nets, address) : 'none'
  if (among === 'all') return 'open'
  return among === 'none' && vantage.standing === 'outside' ? 'closed' : undefined
}

const allowedHosts = ({ spec }: HostFirewall): { address: Address; port: number }[] =>
  spec.allow.flatMap(({ to, traffic }) => {
    const ports = traffic.flatMap((one) => (one.protocol === 'TCP' ? one.ports.flatMap(portsIn) : []))
    return 'nets' in to ? to.nets.filter(isHostCidr).flatMap((net) => ports.map((port) => ({ address: partsOf(net).address, port }))) : []
  })

const portsIn = ({ first, last }: { readonly first: number; readonly last: number }): number[] =>
  Array.from({ length: Math.min(last - first + 1, portLimit) }, (_, at) => first + at)

/** All ports where they are few; else another share of them on each node, so that together the nodes show all. */
const someOf = (ports: readonly number[], index: number, most: number): readonly number[] =>
  ports.length <= most ? ports : Array.from({ length: most }, (_, at) => ports[(index * most + at) % ports.length] ?? 0)

/** The first InternalIP, else the first address there is. */
const dialled = ({ addresses }: NodeFacts): Address | undefined => (addresses.find(({ type }) => type === 'InternalIP') ?? addresses[0])?.address

const tcpProbe = (address: Address, port: number, title: string): Probe => ({
  id: `tcp/${address}/${port}`,
  title,
  target: { kind: 'tcp', address, port },
  expect: 'open',
})
