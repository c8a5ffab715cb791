import { familyOf } from '../net/address.ts'
import type { CompiledWorld, Place } from './compiled-world.ts'
import type { CompiledNode } from './node.ts'
import type { Note } from './outcome.ts'
import type { Packet } from './packet.ts'
import { type Backend, type Frontend, formatFrontend } from './services.ts'

/** What a node's DNAT makes of a packet: CNI portmap for host ports, kube-proxy for Services. */
export type Translation =
  /** No Service's business. */
  | { readonly kind: 'none' }
  /** Nobody serves it here, and kube-proxy means to refuse or drop it: see {@link sharesFilterTable} for whether it comes to that. */
  | { readonly kind: 'unserved'; readonly by: Frontend['by']; readonly note: Note }
  | { readonly kind: 'unknown'; readonly what: string }
  | {
      readonly kind: 'dnat'
      readonly note: Note
      /** Where it may go: kube-proxy picks one of the endpoints. */
      readonly targets: readonly Pick<Backend, 'ip' | 'port'>[]
      /** Whether another node sees this node as the source: kube-proxy masquerades what comes from outside, except under externalTrafficPolicy Local. */
      readonly masquerade: 'yes' | 'no' | 'maybe'
    }

/**
 * DNAT by kube-proxy in iptables or nftables mode. `inside` says that the client is this node or a pod on it: for those externalTrafficPolicy
 * Local does not count, they reach every endpoint.
 */
export const translate = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, inside: boolean): Translation => {
  const { world, services } = compiled
  const frontend = services.frontend(packet, () => isServedNodeAddress(compiled, node, packet))
  if (frontend === undefined) return hostPort(compiled, node, packet)
  const note = (text: () => string): Note => ({ stage: 'service', text: () => `${formatFrontend(frontend)}: ${text()}` })
  if (world.proxyMode === 'none') return { kind: 'unknown', what: `no kube-proxy runs, so who serves ${formatFrontend(frontend)} is not told` }
  if (isUncertainNodePort(compiled, node, packet, frontend)) {
    return {
      kind: 'unknown',
      what: `whether kube-proxy serves NodePorts on ${packet.destination.text} is not told: outside iptables mode it may keep to primary addresses`,
    }
  }
  if (isShutOut(compiled, packet, frontend)) {
    return { kind: 'unserved', by: frontend.by, note: note(() => 'its loadBalancerSourceRanges do not name this source: dropped') }
  }
  const all = services.backends(frontend, packet.destination.family)
  const policy = localPolicy(frontend, inside)
  const usable = policy === undefined ? all : all.filter((backend) => runsOn(compiled, backend) === node.name)
  if (usable.length === 0) {
    if (packet.established) return { kind: 'unknown', what: `which endpoint of ${formatFrontend(frontend)} it was led to is not told` }
    return {
      kind: 'unserved',
      by: frontend.by,
      note: note(() => (policy === undefined ? 'no ready endpoint: refused' : `${policy} Local and no endpoint on ${node.name}: dropped`)),
    }
  }
  return {
    kind: 'dnat',
    note: note(() => `to ${formatBackends(usable)}`),
    targets: usable,
    masquerade: policy === 'externalTrafficPolicy' ? 'no' : masqueradeOf(compiled, frontend, node.addresses.has(packet.source.text), packet),
  }
}

/** Which policy of the Service keeps a connection to endpoints of this node; those inside see none of the external one. */
const localPolicy = ({ service, by }: Frontend, inside: boolean): 'internalTrafficPolicy' | 'externalTrafficPolicy' | undefined => {
  if (by === 'cluster-ip') return service.internalTrafficPolicy === undefined ? undefined : 'internalTrafficPolicy'
  return !inside && service.externalTrafficPolicy === 'Local' ? 'externalTrafficPolicy' : undefined
}

/** kube-proxy takes the ranges of the packet's family, and where there are none of it, everyone (pkg/proxy/serviceport.go). */
const isShutOut = ({ book }: CompiledWorld, { source, established }: Packet, { service, by }: Frontend): boolean => {
  if (by !== 'load-balancer' || established) return false
  const ranges = (service.loadBalancerSourceRanges ?? []).filter((range) => familyOf(range) === source.family)
  return ranges.length > 0 && !book.nets(service.loadBalancerSourceRanges ?? [])(source)
}

/**
 * kube-proxy masquerades what comes by an external frontend with policy Cluster, what a node itself sends to one with policy Local, and what goes to a
 * ClusterIP from outside its cluster CIDR (pkg/proxy/iptables/proxier.go; nftables mode does the same).
 */
const masqueradeOf = (
  { isClusterSource }: CompiledWorld,
  { by, service }: Frontend,
  isNodes: boolean,
  { source }: Packet,
): 'yes' | 'no' | 'maybe' => {
  if (by !== 'cluster-ip' && (service.externalTrafficPolicy === 'Cluster' || isNodes)) return 'yes'
  if (isClusterSource === undefined) return 'maybe'
  return isClusterSource(source) ? 'no' : 'yes'
}

/**
 * Whether Calico and kube-proxy both write iptables: then they share the filter table, Calico's rules come first, and what it accepts never
 * meets kube-proxy's refusals; and what kube-proxy accepts to forward never meets Calico's last rules.
 */
export const sharesFilterTable = ({ world }: CompiledWorld): boolean => world.proxyMode === 'iptables' && world.dataplane === 'iptables'

/** The packet as it goes to one of the targets. */
export const sentTo = (packet: Packet, { ip, port }: Pick<Backend, 'ip' | 'port'>): Packet => ({ ...packet, destination: ip, port })

/** CNI portmap leads a host port to the one pod on the node that asked for it, on every address of the node or on one; source addresses stay. */
const hostPort = ({ hostPorts, book, place }: CompiledWorld, node: CompiledNode, packet: Packet): Translation => {
  if (packet.port === undefined) return nothing
  const published = hostPorts(node.name, packet.protocol, packet.port, packet.destination.family)
  if (published === undefined || (published.hostIP !== undefined && published.hostIP !== packet.destination.text)) return nothing
  if (packet.destination.loopback) return { kind: 'unknown', what: `whether host port ${packet.port} answers on loopback is not told` }
  if (!holds(place(packet.destination), node)) return nothing
  return {
    kind: 'dnat',
    note: { stage: 'service', text: () => `host port ${published.hostPort} of ${node.name}: to ${published.pod}:${published.port}` },
    targets: [{ ip: book.ip(published.pod), port: published.port }],
    masquerade: 'no',
  }
}

const nothing: Translation = { kind: 'none' }

/** Whether an address is, or may be, the node's own. */
export const holds = (place: Place, node: CompiledNode): boolean =>
  (place.kind === 'node' && place.node === node) || (place.kind === 'floating' && place.nodes.includes(node))

/** kube-proxy's iptables mode serves NodePorts on IPv4 loopback too; `nodePortAddresses` names the networks where it serves any. */
const isServedNodeAddress = ({ world, book, place }: CompiledWorld, node: CompiledNode, { destination }: Packet): boolean => {
  const told = world.nodePortAddresses
  const isNamed =
    told === undefined || book.nets(told)(destination) || (told.includes('primary') && destination.text === node.primary[destination.family]?.text)
  return isNamed && (destination.loopback ? world.proxyMode === 'iptables' && destination.family === 4 : holds(place(destination), node))
}

const isUncertainNodePort = ({ world }: CompiledWorld, node: CompiledNode, { destination }: Packet, { by }: Frontend): boolean =>
  by === 'node-port' &&
  world.nodePortAddresses === undefined &&
  world.proxyMode !== 'iptables' &&
  destination.text !== node.primary[destination.family]?.text

const runsOn = ({ place }: CompiledWorld, { ip, node }: Backend): string | undefined => {
  if (node !== undefined) return node
  const at = place(ip)
  return at.kind === 'node' || at.kind === 'pod' ? at.node?.name : undefined
}

const formatBackends = (backends: readonly Backend[]): string => {
  const shown = backends.slice(0, 3).map(({ ip, port }) => `${ip.text}:${port}`)
  return `${shown.join(' or ')}${backends.length > shown.length ? ` or ${backends.length - shown.length} more` : ''}`
}
