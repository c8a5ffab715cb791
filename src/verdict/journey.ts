import type { CompiledWorld, Place } from './compiled-world.ts'
import type { Ip } from './ip.ts'
import type { CompiledNode } from './node.ts'
import { agree, end, noted, type Outcome, type Trail, unknown } from './outcome.ts'
import { formatPacket, type Packet, protocols } from './packet.ts'
import { type At, beforeDnat, forwarded, toHost } from './stages.ts'
import { holds, translate } from './translation.ts'

/** A packet comes in on an interface of a node: preDNAT policy, DNAT, then the node itself or on through it. */
export const deliver = (compiled: CompiledWorld, at: At): Outcome =>
  beforeDnat(at, (accepted, trail) => {
    const { node, packet } = at
    const translation = translate(compiled, node, packet, false)
    if (translation.kind === 'unknown') return unknown(trail, node.name, translation.what)
    if (translation.kind === 'end') return { action: 'deny', trail: noted(trail, translation.decision) }
    if (translation.kind === 'none') return route(compiled, { ...at, trail }, accepted, [packet.source])
    const sources = seenAs(node, packet.source, translation.masquerade)
    const after = noted(trail, translation.decision)
    const ways = translation.packets.map((sent) => () => route(compiled, { ...at, packet: sent, trail: after }, accepted, sources))
    return agree(after, node.name, 'which endpoint kube-proxy picks', ways)
  })

/** Routing after DNAT: to the node itself, or through it. `sources` are the addresses the next host may see. */
const route = (compiled: CompiledWorld, at: At, accepted: boolean, sources: readonly Ip[]): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  if (place.kind === 'loopback') return martian(compiled, at, accepted)
  if (!holds(place, node)) return through(compiled, at, accepted, sources)
  return toHost(at, accepted, compiled.world, (trail) => reaches(at, trail, node.name))
}

/** FORWARD: apply-on-forward policy of the interface it came in by (spared what preDNAT accepted) and of the one it leaves by; pods of the node are reached at once. */
export const through = (compiled: CompiledWorld, at: At, accepted: boolean, sources: readonly Ip[]): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  const onwards = (trail: Trail | undefined): Outcome => {
    if (place.kind === 'pod' && place.node === node) return reaches(at, trail, 'a pod, whose own policies are not judged here')
    return leave(compiled, { node, packet, trail, to: place, sources }, (out, next) => forwarded(out, 'forwardEgress', next))
  }
  return accepted ? onwards(at.trail) : forwarded(at, 'forwardIngress', onwards)
}

/**
 * A packet for 127.0.0.0/8 that came by wire. The kernel drops it unless route_localnet is set, which kube-proxy's iptables mode does; then
 * KUBE-FIREWALL drops it in INPUT, but Calico's accept comes before that and hands the node's localhost services to the sender.
 */
const martian = ({ world }: CompiledWorld, at: At, accepted: boolean): Outcome => {
  const { node, nic, trail } = at
  if (!accepted && nic.endpoint === undefined) {
    return end('deny', trail, {
      node: node.name,
      stage: 'route',
      text: 'no HostEndpoint accepts it, so the kernel or KUBE-FIREWALL drops the martian',
    })
  }
  return toHost(at, accepted, world, (after) =>
    world.proxyMode === 'iptables'
      ? end('allow', after, {
          node: node.name,
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
export const leave = (
  compiled: CompiledWorld,
  departure: Departure,
  judge: (at: At, next: (trail: Trail | undefined) => Outcome) => Outcome,
): Outcome => {
  const { node, packet, trail } = departure
  const nics = node.addresses.has(packet.source.text) ? node.nicsOf(packet.source.text) : node.nics
  const plain = nics.map((nic) => () => judge({ node, nic, packet, trail }, (after) => arrive(compiled, { ...departure, trail: after })))
  const { isPlain, tunnels } = carriers(compiled, departure)
  const ways = [...(isPlain ? plain : []), ...tunnels.map((outer) => () => inTunnel(departure, outer))]
  return agree(trail, node.name, 'which interface or tunnel it leaves by', ways)
}

const arrive = (compiled: CompiledWorld, { node, packet, trail, to, sources }: Departure): Outcome => {
  switch (to.kind) {
    case 'outside':
      return end('allow', trail, { node: node.name, stage: 'route', text: `${formatPacket(packet)} leaves the nodes` })
    case 'service':
      return unknown(trail, node.name, `no Service answers on ${formatPacket(packet)}`)
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

/** Into one of some nodes, under one of some source addresses, by the interface that holds the destination, or any where none does. */
const enter = (
  compiled: CompiledWorld,
  nodes: readonly CompiledNode[],
  { packet, trail, sources }: Pick<Departure, 'packet' | 'trail' | 'sources'>,
): Outcome => {
  const { text } = packet.destination
  const ways = nodes.flatMap((node) =>
    (node.addresses.has(text) ? node.nicsOf(text) : node.nics).flatMap((nic) =>
      sources.map((source) => () => deliver(compiled, { node, nic, packet: { ...packet, source }, trail })),
    ),
  )
  return agree(trail, nodes[0]?.name ?? '', `under which address or by which interface ${formatPacket(packet)} comes in`, ways)
}

/** How pods' packets cross the nodes' network: as they are, or inside tunnels, by the pool of the destination. */
const carriers = (compiled: CompiledWorld, { packet, to }: Departure): { isPlain: boolean; tunnels: Pick<Packet, 'protocol' | 'port'>[] } => {
  if (to.kind !== 'pod') return { isPlain: true, tunnels: [] }
  const pools = compiled.pools?.filter((pool) => pool.holds(packet.destination))
  const [vxlan, ipip] = [
    { protocol: protocols.udp, port: 4789 },
    { protocol: protocols.ipip, port: undefined },
  ]
  if (pools === undefined) return { isPlain: true, tunnels: [vxlan, ipip] }
  const used = (mode: 'vxlanMode' | 'ipipMode') => pools.some((pool) => pool[mode] !== 'Never')
  return {
    isPlain: pools.every(({ vxlanMode, ipipMode }) => vxlanMode !== 'Always' && ipipMode !== 'Always'),
    tunnels: [...(used('vxlanMode') ? [vxlan] : []), ...(used('ipipMode') ? [ipip] : [])],
  }
}

/** The outer packet runs between nodes: Felix's filter table exempts it, preDNAT policy of the receiving node does not. */
const inTunnel = ({ node, packet, trail, to }: Departure, outer: Pick<Packet, 'protocol' | 'port'>): Outcome => {
  const peer = to.kind === 'pod' ? to.node : undefined
  const [source, destination] = [node.primary[packet.source.family] ?? node.primary[4], peer?.primary[packet.source.family] ?? peer?.primary[4]]
  if (peer === undefined || source === undefined || destination === undefined)
    return unknown(trail, node.name, `which node ${packet.destination.text} is tunnelled to is not told`)
  if (peer.wildcard !== undefined || node.wildcard !== undefined)
    return unknown(trail, node.name, 'HostEndpoint * on a tunnel interface is not modelled')
  const sent: Packet = { ...outer, source, destination, icmp: undefined }
  const ways = peer.nicsOf(destination.text).map((nic) => () => {
    const at: At = { node: peer, nic, packet: sent, trail }
    return beforeDnat(at, (_, after) => reaches(at, after, `${peer.name}, and the packet inside reaches its pod`))
  })
  return agree(trail, peer.name, `by which interface ${formatPacket(sent)} comes in`, ways)
}

/** The addresses another host may see after this node masqueraded, or not. */
export const seenAs = (node: CompiledNode, source: Ip, masquerade: 'yes' | 'no' | 'maybe'): readonly Ip[] => {
  const own = node.primary[source.family]
  if (masquerade === 'no' || own === undefined) return [source]
  return masquerade === 'yes' ? [own] : [source, own]
}

/** The end of a way that led somewhere. */
export const reaches = ({ node, packet }: Pick<At, 'node' | 'packet'>, trail: Trail | undefined, what: string): Outcome =>
  end('allow', trail, { node: node.name, stage: 'route', text: `${formatPacket(packet)} reaches ${what}` })
