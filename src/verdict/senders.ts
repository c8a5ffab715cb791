import type { CompiledWorld, Place } from './compiled-world.ts'
import { leave, reaches, seenAs, through } from './journey.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, noted, type Outcome, type Trail, unknown } from './outcome.ts'
import { type Packet, protocols } from './packet.ts'
import { type At, beforeDnat, fromHost, type Next, toHost } from './stages.ts'
import { holds, sentTo, translate } from './translation.ts'
import { beforeTracking } from './untracked.ts'

/** A process on a node calls. */
export const fromNode = (compiled: CompiledWorld, node: CompiledNode, packet: Packet): Outcome => {
  const translation = translate(compiled, node, packet, true)
  if (translation.kind === 'none') return send(compiled, node, packet, undefined)
  if (translation.kind === 'unknown') return unknown(undefined, node.name, translation.what)
  if (translation.kind === 'end') return { action: 'deny', trail: noted(undefined, node.name, translation.note) }
  const after = noted(undefined, node.name, translation.note)
  return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) =>
    send(compiled, node, sentTo(packet, target), after),
  )
}

/** To itself, to a pod on it (never policed), or out by the interface its source address is on. */
const send = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, trail: Trail | undefined): Outcome => {
  const place = compiled.place(packet.destination)
  if (place.kind === 'pod' && place.node === node) return reaches({ node, packet }, trail, 'a pod of its own node, which Calico never polices')
  if (place.kind === 'loopback') return overLoopback(compiled, node, packet, trail)
  if (!holds(place, node)) return out(compiled, node, packet, trail, place)
  const others = place.kind === 'floating' ? place.nodes.filter((holder) => holder !== node) : []
  const self = overLoopback(compiled, node, packet, trail)
  if (others.length === 0 || self.action === 'unknown') return self
  const elsewhere = out(compiled, node, packet, trail, { kind: 'floating', nodes: others })
  return agree(
    trail,
    node.name,
    () => `which node holds ${packet.destination.text}`,
    [self, elsewhere],
    (outcome) => outcome,
  )
}

const out = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, trail: Trail | undefined, to: Place): Outcome =>
  leave(compiled, { node, packet, trail, to, sources: [packet.source] }, (at, next) => sentBy(compiled, at, next))

/** Egress of a process: doNotTrack policy first, and what it accepts sees no other. */
const sentBy = (compiled: CompiledWorld, at: At, next: Next): Outcome =>
  at.nic.untracked === undefined ? fromHost(at, compiled, next) : beforeTracking(at, 'egress', next, () => fromHost(at, compiled, next))

/** What a node sends to itself goes over `lo`: a named HostEndpoint never sees it, `*` polices it both ways. */
const overLoopback = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, trail: Trail | undefined): Outcome => {
  const arrived = (after: Trail | undefined) => reaches({ node, packet }, after, `${node.name} over loopback`)
  if (node.wildcard === undefined) return arrived(trail)
  const at: At = { node, nic: wildcardNic('lo', node), packet, trail }
  return fromHost(at, compiled, (sent) =>
    beforeDnat({ ...at, trail: sent }, (accepted, after) => toHost({ ...at, trail: after }, accepted, compiled, arrived)),
  )
}

/** A pod on a node calls. Its interface carries no HostEndpoint of its own, but `*` reaches it with preDNAT and forward policy. */
export const fromPod = (compiled: CompiledWorld, node: CompiledNode, packet: Packet): Outcome => {
  const at: At = { node, nic: wildcardNic('a pod interface', node), packet, trail: undefined }
  return beforeDnat(at, (accepted, trail) => {
    const translation = translate(compiled, node, packet, true)
    if (translation.kind === 'none') return podSends(compiled, { ...at, trail }, accepted, masqueradesPods(compiled, packet))
    if (translation.kind === 'unknown') return unknown(trail, node.name, translation.what)
    if (translation.kind === 'end') return { action: 'deny', trail: noted(trail, node.name, translation.note) }
    const after = noted(trail, node.name, translation.note)
    return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) =>
      podSends(compiled, { ...at, packet: sentTo(packet, target), trail: after }, accepted, 'maybe'),
    )
  })
}

const podSends = (compiled: CompiledWorld, at: At, accepted: boolean, masquerade: 'yes' | 'no' | 'maybe'): Outcome => {
  const { node, packet, trail } = at
  const place = compiled.place(packet.destination)
  if (place.kind === 'link') return unknown(trail, node.name, 'multicast and link-local packets of pods are not modelled')
  if (place.kind !== 'loopback' && !holds(place, node)) return through(compiled, at, accepted, seenAs(node, packet.source, masquerade))
  return toOwnNode(compiled, at)
}

/** filter cali-wl-to-host: no HostEndpoint polices it; one setting decides once the pod's own policies are through. */
const toOwnNode = ({ world }: CompiledWorld, { node, packet, trail }: At): Outcome => {
  const route = (action: 'allow' | 'deny', text: string) => end(action, trail, node.name, { stage: 'route', text })
  if (packet.established) return route('allow', 'the pod’s own chain accepts what connection tracking knows')
  switch (world.felix?.endpointToHost) {
    case undefined:
      return route(
        'allow',
        'no HostEndpoint polices a pod calling its own node; Calico’s manifests and operator allow it (DefaultEndpointToHostAction)',
      )
    case 'ACCEPT':
      return route('allow', 'no HostEndpoint polices a pod calling its own node, and DefaultEndpointToHostAction is Accept')
    case 'RETURN':
      return unknown(trail, node.name, 'DefaultEndpointToHostAction is Return, so the node’s own INPUT rules decide, which are not told')
    case 'DROP':
      if (packet.protocol === protocols.icmpv6)
        return unknown(trail, node.name, 'which ICMPv6 Felix takes from a pod before it drops the rest is not modelled')
      return route('deny', 'a pod calls its own node, and DefaultEndpointToHostAction is Drop, Felix’s own default')
  }
}

/** natOutgoing: towards addresses in no pool a pod shows its node's address. */
const masqueradesPods = ({ pools, place }: CompiledWorld, { source, destination }: Packet): 'yes' | 'no' | 'maybe' => {
  if (place(destination).kind === 'pod') return 'no'
  const pool = pools?.find(({ holds: inPool }) => inPool(source))
  if (pool === undefined) return 'maybe'
  return pool.natOutgoing ? 'yes' : 'no'
}

const wildcardNic = (name: string, { wildcard }: CompiledNode): Nic => ({
  name,
  endpoint: wildcard,
  preDnat: wildcard?.preDnat && wildcard,
  untracked: undefined,
})
