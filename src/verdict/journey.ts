import type { CompiledWorld, Place } from './compiled-world.ts'
import { type Masquerade, seenBy } from './masquerade.ts'
import { type CompiledNode, type Nic, wildcardNic } from './node.ts'
import { agree, end, noted, type Outcome, onto, type Trail, unknown } from './outcome.ts'
import { formatPacket, type Packet, protocols } from './packet.ts'
import { type At, beforeDnat, forwarded, fromHost, type Next, normal, toHost } from './stages.ts'
import { holds, sentTo, sharesFilterTable, translate } from './translation.ts'
import { type AsNew, answered, beforeTracking, type Tracking } from './untracked.ts'

/** What DNAT and masquerading made of a packet that goes on through a node. */
export interface Sent {
  readonly masquerade: Masquerade
  readonly tracking: Tracking
  /** Whether kube-proxy marked it for masquerading. */
  readonly marked: Masquerade
}

const asItCame: Sent = { masquerade: 'no', tracking: 'plain', marked: 'no' }

/** A packet comes in on an interface of a node: doNotTrack and preDNAT policy, DNAT, then the node itself or on through it. */
export const deliver = (compiled: CompiledWorld, at: At): Outcome =>
  at.nic.untracked === undefined
    ? tracked(compiled, at)
    : beforeTracking(
        at,
        'ingress',
        (trail) => route(compiled, { ...at, trail }, true, { masquerade: 'no', tracking: 'untracked', marked: 'no' }),
        () => tracked(compiled, at),
      )

const tracked = (compiled: CompiledWorld, at: At): Outcome =>
  beforeDnat(at, (accepted, trail) => {
    const { node, nic, packet } = at
    const translation = translate(compiled, node, packet, false)
    if (translation.kind === 'none') return route(compiled, { node, nic, packet, trail }, accepted, asItCame)
    if (translation.kind === 'unknown') return unknown(trail, node.name, translation.what)
    if (translation.kind === 'unserved') return unserved(compiled, { ...at, trail: noted(trail, node.name, translation.note) }, accepted)
    const { masquerade } = translation
    const [sent, after]: [Sent, Trail] = [{ masquerade, tracking: 'translated', marked: masquerade }, noted(trail, node.name, translation.note)]
    return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) =>
      route(compiled, { node, nic, packet: sentTo(packet, target), trail: after }, accepted, sent),
    )
  })

/** To a Service nobody serves here: it stays as it is, and kube-proxy refuses it, unless it is for the node itself and Calico accepts it before. */
const unserved = (compiled: CompiledWorld, at: At, accepted: boolean): Outcome => {
  const { node, nic, packet, trail } = at
  const isOwn = holds(compiled.place(packet.destination), node)
  if (!sharesFilterTable(compiled) || !isOwn || (!accepted && nic.endpoint === undefined)) return { action: 'deny', trail }
  const text = `${node.name} itself: Calico accepts it before kube-proxy can refuse it, and some process there may listen`
  return toHost(at, accepted, compiled, (after) =>
    answered({ ...at, trail: after }, 'egress', compiled.world, 'plain', (last) => reaches({ node, packet }, last, text)),
  )
}

/** Routing after DNAT: to the node itself, or through it. */
const route = (compiled: CompiledWorld, at: At, accepted: boolean, sent: Sent): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  if (place.kind === 'loopback') return martian(compiled, at, accepted)
  if (place.kind !== 'link' && !holds(place, node)) return through(compiled, at, accepted, sent)
  // Most interfaces have no doNotTrack policy, and this is asked a million times a second.
  if (at.nic.untracked === undefined && sent.tracking !== 'untracked') return toHost(at, accepted, compiled, (trail) => reaches(at, trail, node.name))
  const asNew: AsNew = (back, then) => fromHost(back, compiled, then)
  return toHost(at, accepted, compiled, (trail) =>
    answered({ ...at, trail }, 'egress', compiled.world, sent.tracking, (after) => reaches(at, after, node.name), asNew),
  )
}

/** FORWARD: apply-on-forward policy of the interface it came in by (spared what preDNAT accepted) and of the one it leaves by; on the interface of a pod of the node only `*` has one. */
export const through = (compiled: CompiledWorld, at: At, accepted: boolean, sent: Sent): Outcome => {
  const { node, packet } = at
  const place = compiled.place(packet.destination)
  const onwards = (trail: Trail | undefined): Outcome => {
    if (place.kind === 'pod' && place.node === node) {
      // A pod's interface has no HostEndpoint of its own, so `*` is in force there too.
      const inside: At = { node, packet, trail, nic: wildcardNic('a pod interface', node) }
      return forwarded(inside, compiled, 'forwardEgress', (after) =>
        answered({ ...inside, trail: after }, 'ingress', compiled.world, sent.tracking, (last) =>
          reaches(at, last, 'a pod, whose own policies are not judged here'),
        ),
      )
    }
    return leave(compiled, { node, packet, trail, to: place, masquerade: sent.masquerade, tracking: sent.tracking }, (out, next) =>
      forwardedOut(compiled, out, sent.marked, next),
    )
  }
  return accepted ? onwards(at.trail) : forwarded(at, compiled, 'forwardIngress', onwards)
}

/**
 * Forwarded out by an interface. Felix marks what apply-on-forward policy accepted, and everything else at the end of FORWARD; but where kube-proxy shares that
 * table it accepts what it means to masquerade before that end. Without the mark a translated packet meets the HostEndpoint's normal egress policy in
 * mangle POSTROUTING, as if a process of the node had sent it (measured on 3.32.1; the chain marks by default only where no apply-on-forward
 * policy of either direction governs the HostEndpoint: felix/rules/endpoints.go `endpointIptablesChain`).
 */
const forwardedOut = (compiled: CompiledWorld, at: At, marked: Sent['marked'], next: Next): Outcome => {
  const { endpoint } = at.nic
  if (endpoint === undefined || endpoint.forwardsByDefault || marked === 'no' || !sharesFilterTable(compiled))
    return forwarded(at, compiled, 'forwardEgress', next)
  const unmarked = (trail: Trail | undefined) => normal({ ...at, trail }, endpoint, 'egress', next)
  return forwarded(at, compiled, 'forwardEgress', next, (trail) =>
    marked === 'yes'
      ? unmarked(trail)
      : agree(trail, at.node.name, 'whether kube-proxy masquerades the packet', [unmarked, next], (way) => way(trail)),
  )
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
interface Departure extends Pick<Sent, 'masquerade' | 'tracking'> {
  readonly node: CompiledNode
  readonly packet: Packet
  readonly trail: Trail | undefined
  readonly to: Place
  readonly asNew?: AsNew
}

/** Out by an interface the egress policy of which `judge` applies, and on to where it goes; to a pod elsewhere perhaps inside a tunnel between nodes. */
export const leave = (compiled: CompiledWorld, departure: Departure, judge: (at: At, next: Next) => Outcome): Outcome => {
  const { node, packet, trail } = departure
  const nics = node.addresses.has(packet.source.text) ? node.nicsOf(packet.source.text) : node.nics
  const byNic = (nic: Nic) =>
    judge({ node, nic, packet, trail }, (after) =>
      comesBack(compiled, departure, nic, after, (last) => arrive(compiled, { ...departure, trail: last })),
    )
  const open = 'which interface or tunnel it leaves by'
  if (departure.to.kind !== 'pod') return agree(trail, node.name, open, nics, byNic)
  const { isPlain, tunnels } = departure.to.carriers
  const inside = (outer: Pick<Packet, 'protocol' | 'port'>) => inTunnel(compiled, departure, outer)
  if (tunnels.length === 0) return agree(trail, node.name, open, nics, byNic)
  const hidden = agree(trail, node.name, open, tunnels, inside)
  if (!isPlain || hidden.action === 'unknown') return hidden
  return agree(trail, node.name, open, [hidden, agree(trail, node.name, open, nics, byNic)], (outcome) => outcome)
}

/** The answer comes back in by the interface the packet left by, addressed to whom the next host saw. */
const comesBack = (
  compiled: CompiledWorld,
  { node, packet, masquerade, tracking, asNew }: Departure,
  nic: Nic,
  trail: Trail | undefined,
  next: Next,
): Outcome => {
  if (nic.untracked === undefined && tracking !== 'untracked') return next(trail)
  return agree(trail, node.name, 'whether the packet is masqueraded', seenBy(node, packet, masquerade), (seen) =>
    answered({ node, nic, packet: seen, trail }, 'ingress', compiled.world, tracking, next, asNew),
  )
}

const arrive = (compiled: CompiledWorld, { node, packet, trail, to, masquerade }: Departure): Outcome => {
  const into = (nodes: readonly CompiledNode[]) => enter(compiled, nodes, seenBy(node, packet, masquerade), trail)
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
      return into([to.node])
    case 'node':
      return into([to.node])
    case 'floating':
      return into(to.nodes)
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

/** Into one of some nodes, as one of what the packet may look like, by the interface that holds the destination, or any where none does. */
const enter = (compiled: CompiledWorld, nodes: readonly CompiledNode[], packets: readonly Packet[], trail: Trail | undefined): Outcome => {
  const open = () => `under which address or by which interface ${packets[0] === undefined ? 'it' : formatPacket(packets[0])} comes in`
  return agree(trail, nodes[0]?.name ?? '', open, nodes, (node) =>
    agree(trail, node.name, open, packets, (packet) => {
      const { text } = packet.destination
      const nics = node.addresses.has(text) ? node.nicsOf(text) : node.nics
      return agree(trail, node.name, open, nics, (nic) => deliver(compiled, { node, nic, packet, trail }))
    }),
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

/** Its way led somewhere. */
export const reaches = ({ node, packet }: Pick<At, 'node' | 'packet'>, trail: Trail | undefined, what: string): Outcome =>
  end('allow', trail, node.name, { stage: 'route', text: () => `${formatPacket(packet)} reaches ${what}` })
