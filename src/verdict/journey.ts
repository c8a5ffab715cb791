import type { CompiledWorld, Place } from './compiled-world.ts'
import type { Ip } from './ip.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, noted, type Outcome, onto, type Trail, unknown } from './outcome.ts'
import { formatPacket, type Packet, protocols } from './packet.ts'
import { type At, beforeDnat, forwarded, type Next, toHost } from './stages.ts'
import { holds, sentTo, translate } from './translation.ts'
import { beforeTracking } from './untracked.ts'

/** A packet comes in on an interface of a node: doNotTrack and preDNAT policy, DNAT, then the node itself or on through it. */
export const deliver = (compiled: CompiledWorld, at: At): Outcome =>
  at.nic.untracked === undefined
    ? tracked(compiled, at)
    : beforeTracking(
        at,
        'ingress',
        (trail) => route(compiled, { ...at, trail }, true, [at.packet.source]),
        () => tracked(compiled, at),
      )

const tracked = (compiled: CompiledWorld, at: At): Outcome =>
  beforeDnat(at, (accepted, trail) => {
    const { node, nic, packet } = at
    const translation = translate(compiled, node, packet, false)
    if (translation.kind === 'none') return route(compiled, { node, nic, packet, trail }, accepted, undefined)
    if (translation.kind === 'unknown') return unknown(trail, node.name, translation.what)
    if (translation.kind === 'end') return { action: 'deny', trail: noted(trail, node.name, translation.note) }
    const sources = seenAs(node, packet.source, translation.masquerade)
    const after = noted(trail, node.name, translation.note)
    return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) =>
      route(compiled, { node, nic, packet: sentTo(packet, target), trail: after }, accepted, sources),
    )
  })

/** Routing after DNAT: to the node itself, or through it. `sources` are the addresses the next host may see; undefined: the packet's own. */
const route = (compiled: CompiledWorld, at: At, accepted: boolean, sources: readonly Ip[] | undefined): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  if (place.kind === 'loopback') return martian(compiled, at, accepted)
  if (place.kind !== 'link' && !holds(place, node)) return through(compiled, at, accepted, sources ?? [packet.source])
  return toHost(at, accepted, compiled, (trail) => reaches(at, trail, node.name))
}

/** FORWARD: apply-on-forward policy of the interface it came in by (spared what preDNAT accepted) and of the one it leaves by; pods of the node are reached at once. */
export const through = (compiled: CompiledWorld, at: At, accepted: boolean, sources: readonly Ip[]): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  const onwards = (trail: Trail | undefined): Outcome => {
    if (place.kind === 'pod' && place.node === node) return reaches(at, trail, 'a pod, whose own policies are not judged here')
    return leave(compiled, { node, packet, trail, to: place, sources }, (out, next) => forwarded(out, compiled, 'forwardEgress', next))
  }
  return accepted ? onwards(at.trail) : forwarded(at, compiled, 'forwardIngress', onwards)
}

/**
 * A packet for 127.0.0.0/8 that came by wire. The kernel drops it unless route_localnet is set, which kube-proxy's iptables mode does; then
 * KUBE-FIREWALL drops it in INPUT, but Calico's accept comes before that and hands the node's localhost services to the sender.
 */
const martian = (compiled: CompiledWorld, at: At, accepted: boolean): Outcome => {
  const { node, nic, packet, trail } = at
  if (packet.destination.family === 6)
    return end('deny', trail, node.name, { stage: 'route', text: 'the kernel drops what comes for ::1 by wire (net/ipv6/ip6_input.c)' })
  if (!accepted && nic.endpoint === undefined) {
    return end('deny', trail, node.name, { stage: 'route', text: 'no HostEndpoint accepts it, so the kernel or KUBE-FIREWALL drops the martian' })
  }
  return toHost(at, accepted, compiled, (after) =>
    compiled.world.proxyMode === 'iptables'
      ? end('allow', after, node.name, {
          stage: 'route',
          text: 'Calico accepts the martian before KUBE-FIREWALL can drop it (route_localnet is set)',
        })
      : unknown(after, node.name, 'whether route_localnet lets the martian in is not told'),
  )
}

/** A packet about to leave a node. */
interface Departure {
  readonly node: CompiledNode
  readonly packet: Packet
  readonly trail: Trail | undefined
  readonly to: Place
  /** Addresses the next host may see as the source. */
  readonly sources: readonly Ip[]
}

/** Out by an interface the egress policy of which `judge` applies, and on to where it goes; to a pod elsewhere perhaps inside a tunnel between nodes. */
export const leave = (compiled: CompiledWorld, departure: Departure, judge: (at: At, next: Next) => Outcome): Outcome => {
  const { node, packet, trail } = departure
  const nics = node.addresses.has(packet.source.text) ? node.nicsOf(packet.source.text) : node.nics
  const byNic = (nic: Nic) => judge({ node, nic, packet, trail }, (after) => arrive(compiled, { ...departure, trail: after }))
  const open = 'which interface or tunnel it leaves by'
  if (departure.to.kind !== 'pod') return agree(trail, node.name, open, nics, byNic)
  const { isPlain, tunnels } = departure.to.carriers
  const inside = (outer: Pick<Packet, 'protocol' | 'port'>) => inTunnel(compiled, departure, outer)
  if (tunnels.length === 0) return agree(trail, node.name, open, nics, byNic)
  const hidden = agree(trail, node.name, open, tunnels, inside)
  if (!isPlain || hidden.action === 'unknown') return hidden
  return agree(trail, node.name, open, [hidden, agree(trail, node.name, open, nics, byNic)], (outcome) => outcome)
}

const arrive = (compiled: CompiledWorld, { node, packet, trail, to, sources }: Departure): Outcome => {
  switch (to.kind) {
    case 'outside':
      return end('allow', trail, node.name, { stage: 'route', text: () => `${formatPacket(packet)} leaves the nodes` })
    case 'link':
      return onLink(compiled, { node, packet, trail })
    case 'service':
      return unknown(trail, node.name, () => `no Service answers on ${formatPacket(packet)}`)
    case 'loopback':
      return unknown(trail, node.name, `${packet.destination.text} is routed nowhere`)
    case 'pod':
      if (to.node === undefined) return unknown(trail, node.name, `no node is known to run a pod with address ${packet.destination.text}`)
      return enter(compiled, [to.node], { packet, trail, sources })
    case 'node':
      return enter(compiled, [to.node], { packet, trail, sources })
    case 'floating':
      return enter(compiled, to.nodes, { packet, trail, sources })
  }
}

/** Multicast and link-local: the sender's side is judged, and the node the question names as the receiver. */
const onLink = (compiled: CompiledWorld, { node, packet, trail }: Pick<Departure, 'node' | 'packet' | 'trail'>): Outcome => {
  const receiver = packet.via === undefined ? undefined : compiled.node(packet.via)
  if (receiver === undefined || receiver === node) {
    return end('allow', trail, node.name, { stage: 'route', text: () => `${formatPacket(packet)} leaves ${node.name} for its link` })
  }
  return agree(trail, receiver.name, 'by which interface it comes in', receiver.nics, (nic) =>
    deliver(compiled, { node: receiver, nic, packet, trail }),
  )
}

/** Into one of some nodes, under one of some source addresses, by the interface that holds the destination, or any where none does. */
const enter = (
  compiled: CompiledWorld,
  nodes: readonly CompiledNode[],
  { packet, trail, sources }: Pick<Departure, 'packet' | 'trail' | 'sources'>,
): Outcome => {
  const { text } = packet.destination
  const open = () => `under which address or by which interface ${formatPacket(packet)} comes in`
  return agree(trail, nodes[0]?.name ?? '', open, nodes, (node) =>
    agree(trail, node.name, open, node.addresses.has(text) ? node.nicsOf(text) : node.nics, (nic) =>
      agree(trail, node.name, open, sources, (source) =>
        deliver(compiled, { node, nic, packet: source === packet.source ? packet : { ...packet, source }, trail }),
      ),
    ),
  )
}

/** Every packet between two nodes shares the fate of their tunnel: it is judged once. */
const inTunnel = ({ tunnelled }: CompiledWorld, { node, packet, trail, to }: Departure, outer: Pick<Packet, 'protocol' | 'port'>): Outcome => {
  const peer = to.kind === 'pod' ? to.node : undefined
  if (peer === undefined) return unknown(trail, node.name, `which node ${packet.destination.text} is tunnelled to is not told`)
  const { family } = packet.source
  const which = ((outer.protocol * 65536 + (outer.port ?? 0)) * 2 + (packet.established ? 1 : 0)) * 8 + family
  const { action, trail: own } = tunnelled(node, peer, which, () => betweenNodes(node, peer, packet, outer))
  return { action, trail: onto(trail, own) }
}

/** The outer packet runs between nodes: Felix's filter table exempts it, preDNAT policy of the receiving node does not. */
const betweenNodes = (node: CompiledNode, peer: CompiledNode, packet: Packet, outer: Pick<Packet, 'protocol' | 'port'>): Outcome => {
  const trail = undefined
  const [source, destination] = [node.primary[packet.source.family] ?? node.primary[4], peer.primary[packet.source.family] ?? peer.primary[4]]
  if (source === undefined || destination === undefined)
    return unknown(trail, node.name, `under which address ${peer.name} ends the tunnel is not told`)
  if (peer.wildcard !== undefined || node.wildcard !== undefined)
    return unknown(trail, node.name, 'HostEndpoint * on a tunnel interface is not modelled')
  // VXLAN is not tracked (raw NOTRACK), so that each of its packets is judged, whatever flow is inside.
  const established = packet.established && outer.protocol !== protocols.udp
  const sent: Packet = { ...packet, ...outer, source, destination, sourcePort: undefined, icmp: undefined, established }
  return agree(
    trail,
    peer.name,
    () => `by which interface ${formatPacket(sent)} comes in`,
    peer.nicsOf(destination.text),
    (nic) =>
      beforeDnat({ node: peer, nic, packet: sent, trail }, (_, after) =>
        reaches({ node: peer, packet: sent }, after, `${peer.name}, and the packet inside reaches its pod`),
      ),
  )
}

/** The addresses another host may see after this node masqueraded, or not. */
export const seenAs = (node: CompiledNode, source: Ip, masquerade: 'yes' | 'no' | 'maybe'): readonly Ip[] => {
  const own = node.primary[source.family]
  if (masquerade === 'no' || own === undefined) return [source]
  return masquerade === 'yes' ? [own] : [source, own]
}

/** The end of a way that led somewhere. */
export const reaches = ({ node, packet }: Pick<At, 'node' | 'packet'>, trail: Trail | undefined, what: string): Outcome =>
  end('allow', trail, node.name, { stage: 'route', text: () => `${formatPacket(packet)} reaches ${what}` })
