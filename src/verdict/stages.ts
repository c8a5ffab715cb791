import { walk } from './chain.ts'
import type { CompiledEndpoint } from './host-endpoint.ts'
import type { Decision, World } from './model.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, noted, type Outcome, type Trail, unknown } from './outcome.ts'
import { formatPacket, type Packet, protocols } from './packet.ts'

/** A packet at a node, with what was decided so far. */
export interface At {
  readonly node: CompiledNode
  readonly nic: Nic
  readonly packet: Packet
  readonly trail: Trail | undefined
}

/** What happens to a packet that passes a stage. */
type Next = (trail: Trail | undefined) => Outcome

const decision = ({ node }: { readonly node: CompiledNode }, stage: Decision['stage'], text: string): Decision => ({ node: node.name, stage, text })

/**
 * mangle PREROUTING: preDNAT policy sees the destination the client dialled. A failsafe ends the stage without Calico's accept mark, so later
 * stages still judge; an Allow sets the mark, which spares the packet every later ingress stage of the HostEndpoint, never an egress one.
 */
export const beforeDnat = (at: At, done: (accepted: boolean, trail: Trail | undefined) => Outcome): Outcome => {
  const { node, nic, packet, trail } = at
  const beyond = nic.endpoint?.beyond ?? nic.preDnat?.beyond
  if (beyond !== undefined) return unknown(trail, node.name, beyond)
  if (nic.preDnat?.preDnat === undefined) return done(false, trail)
  if (node.inbound(packet))
    return done(false, noted(trail, decision(at, 'failsafe', `an inbound failsafe lets ${formatPacket(packet)} pass preDNAT policy`)))
  return walk(nic.preDnat.preDnat, packet, node.name, trail, (result, after) =>
    result === 'deny' ? { action: 'deny', trail: after } : done(result === 'allow', after),
  )
}

/** filter INPUT, for packets to the node itself: failsafes, normal policy, profiles. */
export const toHost = (at: At, accepted: boolean, world: World, done: Next): Outcome => {
  const { node, nic, packet, trail } = at
  if (accepted) return done(trail)
  if (nic.endpoint === undefined) return done(noted(trail, decision(at, 'route', `no HostEndpoint on ${nic.name} of ${node.name}`)))
  const { endpoint } = nic
  const judged = () => normal(at, endpoint, 'ingress', done)
  if (isTunnel(packet)) return tunnelled(at, world, judged, done)
  if (bypassesUnderIpvs(packet, world)) {
    return unknown(
      trail,
      node.name,
      `with kube-proxy in mode ${world.proxyMode} normal policy may not see ${formatPacket(packet)}: IPVS takes that port range for forwarded`,
    )
  }
  return judged()
}

/** filter OUTPUT, or mangle POSTROUTING after DNAT: what a process on the node sends, with the destination as the wire sees it. */
export const fromHost = (at: At, world: World, done: Next): Outcome => {
  const { node, nic, trail } = at
  if (nic.endpoint === undefined) return done(trail)
  if (nic.endpoint.beyond !== undefined) return unknown(trail, node.name, nic.endpoint.beyond)
  const { endpoint } = nic
  const judged = () => normal(at, endpoint, 'egress', done)
  return isTunnel(at.packet) ? tunnelled(at, world, judged, done) : judged()
}

/** filter FORWARD, for packets through the node: only apply-on-forward policy, no failsafes, and allowed where no such policy governs the direction. */
export const forwarded = (at: At, direction: 'forwardIngress' | 'forwardEgress', done: Next): Outcome => {
  const { node, nic, packet, trail } = at
  if (nic.endpoint === undefined) return done(trail)
  if (nic.endpoint.beyond !== undefined) return unknown(trail, node.name, nic.endpoint.beyond)
  return walk(nic.endpoint[direction], packet, node.name, trail, (result, after) =>
    result === 'deny' ? { action: 'deny', trail: after } : done(after),
  )
}

const normal = (at: At, endpoint: CompiledEndpoint, direction: 'ingress' | 'egress', done: Next): Outcome => {
  const { node, packet, trail } = at
  const isFailsafe = direction === 'ingress' ? node.inbound(packet) : node.outbound(packet)
  const which = direction === 'ingress' ? 'inbound' : 'outbound'
  if (isFailsafe) return done(noted(trail, decision(at, 'failsafe', `an ${which} failsafe lets ${formatPacket(packet)} pass`)))
  return walk(endpoint[direction], packet, node.name, trail, (result, after) => {
    if (result === 'deny') return { action: 'deny', trail: after }
    return result === 'allow' ? done(after) : profiled({ ...at, trail: after }, endpoint, direction, done)
  })
}

const profiled = (at: At, { profiles, profileNames }: CompiledEndpoint, direction: string, done: Next): Outcome => {
  const named = profileNames.length === 0 ? 'it has no profile' : `of its profiles (${profileNames.join(', ')})`
  if (profiles === 'unknown')
    return unknown(at.trail, at.node.name, `whether a profile of ${profileNames.join(', ')} allows ${direction} is not told`)
  if (profiles === 'allow')
    return done(
      noted(at.trail, decision(at, 'profile', `no policy decides ${direction} on ${at.nic.name}, profile projectcalico-default-allow allows`)),
    )
  return end(
    'deny',
    at.trail,
    decision(
      at,
      'profile',
      `no policy decides ${direction} on ${at.nic.name} and ${profileNames.length === 0 ? named : `none ${named} allows`}: Calico drops`,
    ),
  )
}

/** VXLAN on Calico's port, and IPIP. */
const isTunnel = ({ protocol, port }: Packet): boolean => protocol === protocols.ipip || (protocol === protocols.udp && port === 4789)

/** Felix's filter table lets tunnels between nodes pass before policy where a pool uses them; preDNAT (mangle) has no such exemption. */
const tunnelled = (at: At, world: World, judged: () => Outcome, done: Next): Outcome => {
  const { node, packet, trail } = at
  const mode = packet.protocol === protocols.ipip ? 'ipipMode' : 'vxlanMode'
  const used = world.ipPools?.some((pool) => pool[mode] !== 'Never')
  if (used === false) return judged()
  const ends = new Set(world.nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address)))
  const between = ends.has(packet.source.text) && ends.has(packet.destination.text)
  const exempt = () => (between ? done(noted(trail, decision(at, 'route', 'Felix lets tunnels between nodes pass'))) : judged())
  return agree(trail, node.name, 'whether Felix runs this tunnel is not told', used ? [exempt] : [exempt, judged])
}

/** In IPVS mode the INPUT chain takes tcp and udp to 30000-32767 on a host address for forwarded traffic and skips normal policy (felix `cali-forward-check`). */
const bypassesUnderIpvs = ({ protocol, port }: Packet, { proxyMode }: World): boolean =>
  (proxyMode === 'ipvs' || proxyMode === 'unknown') &&
  (protocol === protocols.tcp || protocol === protocols.udp) &&
  port !== undefined &&
  port >= 30000 &&
  port <= 32767
