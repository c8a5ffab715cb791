import { walk } from './chain.ts'
import type { CompiledWorld } from './compiled-world.ts'
import type { CompiledEndpoint } from './host-endpoint.ts'
import type { World } from './model.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, type Note, noted, type Outcome, type Trail, unknown } from './outcome.ts'
import { formatPacket, type Packet, protocols } from './packet.ts'
import { type Exemption, isTunnel, tunnelExemption } from './tunnels.ts'

/** A packet at a node, with what was decided so far. */
export interface At {
  readonly node: CompiledNode
  readonly nic: Nic
  readonly packet: Packet
  readonly trail: Trail | undefined
}

/** What happens to a packet that passes a stage. */
export type Next = (trail: Trail | undefined) => Outcome

/**
 * mangle PREROUTING: preDNAT policy sees the destination the client dialled. A failsafe ends the stage without Calico's accept mark, so later
 * stages still judge; an Allow sets the mark, which spares the packet every later ingress stage of the HostEndpoint, never an egress one.
 */
export const beforeDnat = (at: At, done: (accepted: boolean, trail: Trail | undefined) => Outcome): Outcome => {
  const { node, nic, packet, trail } = at
  if (packet.established) return done(false, nic.endpoint === undefined ? trail : noted(trail, node.name, tracked))
  const beyond = nic.endpoint?.beyond ?? nic.preDnat?.beyond
  if (beyond !== undefined) return unknown(trail, node.name, beyond)
  const chain = nic.preDnat?.preDnat
  if (chain === undefined) return done(false, trail)
  if (node.inbound(packet))
    return done(
      false,
      noted(
        trail,
        node.name,
        failsafe(() => `an inbound failsafe lets ${formatPacket(packet)} pass preDNAT policy`),
      ),
    )
  return walk(chain, packet, node.name, trail, (result, after) =>
    result === 'deny' ? { action: 'deny', trail: after } : done(result === 'allow', after),
  )
}

/** filter INPUT, for packets to the node itself: tunnels between nodes, what preDNAT accepted, failsafes, normal policy, profiles. */
export const toHost = (at: At, accepted: boolean, compiled: CompiledWorld, done: Next): Outcome => {
  const { node, nic, packet, trail } = at
  const { endpoint } = nic
  const judged = (): Outcome => {
    if (accepted || (packet.established && endpoint !== undefined)) return done(trail)
    if (endpoint === undefined)
      return done(
        noted(
          trail,
          node.name,
          route(() => `no HostEndpoint on ${nic.name} of ${node.name}`),
        ),
      )
    if (bypassesUnderIpvs(packet, compiled.world)) return unknown(trail, node.name, () => ipvsText(packet, compiled.world))
    return normal(at, endpoint, 'ingress', done)
  }
  return isTunnel(compiled, packet) ? exempted(at, tunnelExemption(compiled, packet, 'ingress'), judged, done) : judged()
}

/** filter OUTPUT, or mangle POSTROUTING after DNAT: what a process on the node sends, with the destination as the wire sees it. */
export const fromHost = (at: At, compiled: CompiledWorld, done: Next): Outcome => {
  const { node, nic, packet, trail } = at
  const { endpoint } = nic
  if (endpoint === undefined) return done(trail)
  if (packet.established) return done(noted(trail, node.name, tracked))
  if (endpoint.beyond !== undefined) return unknown(trail, node.name, endpoint.beyond)
  const judged = () => normal(at, endpoint, 'egress', done)
  return isTunnel(compiled, packet) ? exempted(at, tunnelExemption(compiled, packet, 'egress'), judged, done) : judged()
}

/** filter FORWARD, for packets through the node: only apply-on-forward policy, no failsafes, and allowed where no such policy governs the direction or decides: `undecided`. */
export const forwarded = (
  at: At,
  compiled: CompiledWorld,
  direction: 'forwardIngress' | 'forwardEgress',
  done: Next,
  undecided: Next = done,
): Outcome => {
  const { node, nic, packet, trail } = at
  if (nic.endpoint === undefined || packet.established) return done(trail)
  if (nic.endpoint.beyond !== undefined) return unknown(trail, node.name, nic.endpoint.beyond)
  const judged = walk(nic.endpoint[direction], packet, node.name, trail, (result, after) =>
    result === 'deny' ? { action: 'deny', trail: after } : result === 'none' ? undecided(after) : done(after),
  )
  // Felix marks what IPVS forwards by interface, and `*` is no interface (felix/dataplane/linux/endpoint_mgr.go `updateHostEndpoints`).
  if (direction === 'forwardEgress' || nic.endpoint !== node.wildcard || !mayBeIpvs(compiled.world)) return judged
  return agree(
    trail,
    node.name,
    () => `with kube-proxy in mode ${compiled.world.proxyMode} HostEndpoint * may not police what comes in to be forwarded`,
    [judged, done(trail)],
    (way) => way,
  )
}

/** Normal policy of one direction, failsafes before it and profiles after it. */
export const normal = (at: At, endpoint: CompiledEndpoint, direction: 'ingress' | 'egress', done: Next): Outcome => {
  const { node, packet, trail } = at
  const isFailsafe = direction === 'ingress' ? node.inbound(packet) : node.outbound(packet)
  const which = direction === 'ingress' ? 'inbound' : 'outbound'
  if (isFailsafe)
    return done(
      noted(
        trail,
        node.name,
        failsafe(() => `an ${which} failsafe lets ${formatPacket(packet)} pass`),
      ),
    )
  return walk(endpoint[direction], packet, node.name, trail, (result, after) => {
    if (result === 'deny') return { action: 'deny', trail: after }
    return result === 'allow' ? done(after) : profiled(at, after, endpoint, direction, done)
  })
}

const profiled = (
  { node, nic }: At,
  trail: Trail | undefined,
  { profiles, profileNames }: CompiledEndpoint,
  direction: string,
  done: Next,
): Outcome => {
  if (profiles === 'unknown')
    return unknown(trail, node.name, () => `whether a profile of ${profileNames.join(', ')} allows ${direction} is not told`)
  const before = () => `no policy decides ${direction} on ${nic.name}`
  if (profiles === 'allow')
    return done(noted(trail, node.name, { stage: 'profile', text: () => `${before()}, profile projectcalico-default-allow allows` }))
  const why = () => (profileNames.length === 0 ? 'it has no profile' : `none of its profiles (${profileNames.join(', ')}) allows`)
  return end('deny', trail, node.name, { stage: 'profile', text: () => `${before()} and ${why()}: Calico drops` })
}

const exempted = ({ node, trail }: At, exemption: Exemption, judged: () => Outcome, done: Next): Outcome => {
  switch (exemption.kind) {
    case 'none':
      return judged()
    case 'pass':
      return done(noted(trail, node.name, route(exemption.text)))
    case 'drop':
      return end('deny', trail, node.name, route(exemption.text))
    case 'unknown': {
      const plain = judged()
      const other = exemption.otherwise === 'pass' ? done(trail) : end('deny', trail, node.name, route(exemption.text))
      return plain.action === other.action ? plain : unknown(trail, node.name, exemption.text)
    }
  }
}

/** mangle PREROUTING accepts it for the whole host, and every chain of a HostEndpoint begins with the same rule. */
const tracked: Note = { stage: 'established', text: 'Felix accepts what connection tracking knows before any policy' }
const failsafe = (text: () => string): Note => ({ stage: 'failsafe', text })
const route = (text: string | (() => string)): Note => ({ stage: 'route', text })

/** In IPVS mode the INPUT chain takes tcp and udp to 30000-32767 on a host address for forwarded traffic and skips normal policy (felix `cali-forward-check`). */
const bypassesUnderIpvs = ({ protocol, port }: Packet, world: World): boolean =>
  mayBeIpvs(world) && (protocol === protocols.tcp || protocol === protocols.udp) && port !== undefined && port >= 30000 && port <= 32767

const mayBeIpvs = ({ proxyMode }: World): boolean => proxyMode === 'ipvs' || proxyMode === 'unknown'

const ipvsText = (packet: Packet, { proxyMode }: World): string =>
  `with kube-proxy in mode ${proxyMode} normal policy may not see ${formatPacket(packet)}: IPVS takes that port range for forwarded`
