import type { CompiledWorld, Place } from './compiled-world.ts'
import type { Decision } from './model.ts'
import type { CompiledNode } from './node.ts'
import type { Packet } from './packet.ts'
import { type Backend, type Frontend, formatFrontend } from './services.ts'

/** What kube-proxy on a node makes of a packet. */
export type Translation =
  /** No Service's business. */
  | { readonly kind: 'none' }
  /** Dropped or refused: nobody serves it here. */
  | { readonly kind: 'end'; readonly decision: Decision }
  | { readonly kind: 'unknown'; readonly what: string }
  | {
      readonly kind: 'dnat'
      readonly decision: Decision
      /** The packet as it goes to each endpoint kube-proxy may pick. */
      readonly packets: readonly Packet[]
      /** Whether another node sees this node as the source: kube-proxy masquerades what comes from outside, except under externalTrafficPolicy Local. */
      readonly masquerade: 'yes' | 'no' | 'maybe'
    }

/**
 * DNAT by kube-proxy in iptables or nftables mode. `inside` says that the client is this node or a pod on it: for those externalTrafficPolicy
 * Local does not count, they reach every endpoint.
 */
export const translate = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, inside: boolean): Translation => {
  const { world, services } = compiled
  const frontend = services.frontend(packet, isServedNodeAddress(compiled, node, packet))
  if (frontend === undefined) return { kind: 'none' }
  const decision = (text: string): Decision => ({ node: node.name, stage: 'service', text: `${formatFrontend(frontend)}: ${text}` })
  if (world.proxyMode === 'none') return { kind: 'unknown', what: `no kube-proxy runs, so who serves ${formatFrontend(frontend)} is not told` }
  if (isUncertainNodePort(compiled, node, packet, frontend)) {
    return {
      kind: 'unknown',
      what: `whether kube-proxy serves NodePorts on ${packet.destination.text} is not told: outside iptables mode it may keep to primary addresses`,
    }
  }
  const all = services.backends(frontend, packet.destination.family)
  const onlyLocal = !inside && frontend.by !== 'cluster-ip' && frontend.service.externalTrafficPolicy === 'Local'
  const usable = onlyLocal ? all.filter((backend) => runsOn(compiled, backend) === node.name) : all
  if (usable.length === 0) {
    return {
      kind: 'end',
      decision: decision(onlyLocal ? `externalTrafficPolicy Local and no endpoint on ${node.name}: dropped` : 'no ready endpoint: refused'),
    }
  }
  return {
    kind: 'dnat',
    decision: decision(`to ${formatBackends(usable)}`),
    packets: usable.map(({ ip, port }) => ({ ...packet, destination: ip, port })),
    masquerade: onlyLocal ? 'no' : inside || frontend.by === 'cluster-ip' ? 'maybe' : 'yes',
  }
}

/** Whether an address is, or may be, the node's own. */
export const holds = (place: Place, node: CompiledNode): boolean =>
  (place.kind === 'node' && place.node === node) || (place.kind === 'floating' && place.nodes.includes(node))

/** kube-proxy's iptables mode serves NodePorts on IPv4 loopback too. */
const isServedNodeAddress = ({ world, place }: CompiledWorld, node: CompiledNode, { destination }: Packet): boolean =>
  destination.loopback ? world.proxyMode === 'iptables' && destination.family === 4 : holds(place(destination), node)

const isUncertainNodePort = ({ world }: CompiledWorld, node: CompiledNode, { destination }: Packet, { by }: Frontend): boolean =>
  by === 'node-port' && world.proxyMode !== 'iptables' && destination.text !== node.primary[destination.family]?.text

const runsOn = ({ place }: CompiledWorld, { ip, node }: Backend): string | undefined => {
  if (node !== undefined) return node
  const at = place(ip)
  return at.kind === 'node' || at.kind === 'pod' ? at.node?.name : undefined
}

const formatBackends = (backends: readonly Backend[]): string => {
  const shown = backends.slice(0, 3).map(({ ip, port }) => `${ip.text}:${port}`)
  return `${shown.join(' or ')}${backends.length > shown.length ? ` or ${backends.length - shown.length} more` : ''}`
}
