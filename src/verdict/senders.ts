import type { CompiledWorld, Place } from './compiled-world.ts'
import { leave, reaches, type Sent, through } from './journey.ts'
import { type Masquerade, seenBy } from './masquerade.ts'
import { type CompiledNode, wildcardNic } from './node.ts'
import { agree, end, noted, type Outcome, type Trail, unknown } from './outcome.ts'
import { type Packet, protocols } from './packet.ts'
import { type At, beforeDnat, fromHost, type Next, toHost } from './stages.ts'
import { holds, sentTo, sharesFilterTable, type Translation, translate } from './translation.ts'
import { isForbiddenToPods } from './tunnels.ts'
import { type AsNew, beforeTracking, type Tracking } from './untracked.ts'

/** A process on a node calls. doNotTrack policy of the interface it would leave by comes first: what that accepts is neither tracked nor translated. */
export const fromNode = (compiled: CompiledWorld, node: CompiledNode, packet: Packet): Outcome => {
  if (!node.untracks) return translatedFrom(compiled, node, packet)
  const place = compiled.place(packet.destination)
  const staysHere = place.kind === 'loopback' || holds(place, node) || (place.kind === 'pod' && place.node === node)
  const [first] = staysHere ? [] : node.nicsOf(packet.source.text)
  if (first === undefined || node.nicsOf(packet.source.text).length > 1) return translatedFrom(compiled, node, packet)
  return beforeTracking(
    { node, nic: first, packet, trail: undefined },
    'egress',
    (trail) => {
      const asNew: AsNew = (back, then) => beforeDnat(back, (accepted, after) => toHost({ ...back, trail: after }, accepted, compiled, then))
      return leave(compiled, { node, packet, trail, to: place, masquerade: 'no', tracking: 'untracked', asNew }, (at, next) => next(at.trail))
    },
    () => translatedFrom(compiled, node, packet),
  )
}

const translatedFrom = (compiled: CompiledWorld, node: CompiledNode, packet: Packet): Outcome => {
  const translation = translate(compiled, node, packet, true)
  if (translation.kind === 'none') return send(compiled, { node, packet, trail: undefined }, 'no', 'plain')
  if (translation.kind === 'unknown') return unknown(undefined, node.name, translation.what)
  if (translation.kind === 'unserved') return unserved(compiled, node, packet, translation)
  const after = noted(undefined, node.name, translation.note)
  return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) =>
    beforeRouting(compiled, packet, { node, packet: sentTo(packet, target), trail: after }, translation.masquerade),
  )
}

/**
 * A translated packet of a process in filter OUTPUT, where the interface is still the one towards the dialled address. Felix means to leave it to
 * mangle POSTROUTING, and over iptables does. Its nftables rule `ct status != dnat` holds for translated packets too, for they carry more
 * status bits than that one: there egress policy judges them here, those for pods of the node and for the node itself included (3.32.1).
 */
const beforeRouting = (compiled: CompiledWorld, dialled: Packet, sent: Omit<At, 'nic'>, masquerade: Masquerade): Outcome => {
  const { node, trail } = sent
  if (compiled.world.dataplane !== 'nftables') return send(compiled, sent, masquerade, 'translated')
  const nics = holds(compiled.place(dialled.destination), node) ? [wildcardNic('lo', node)] : node.nicsOf(dialled.source.text)
  return agree(trail, node.name, 'which interface it leaves by', nics, (nic) =>
    fromHost({ ...sent, nic }, compiled, (after) => send(compiled, { ...sent, trail: after }, masquerade, 'translated', nic.endpoint !== undefined)),
  )
}

/**
 * A process calls a Service nobody serves. Over iptables kube-proxy refuses only ClusterIPs on the way out; other frontends are refused by the node
 * that holds the address, this one over loopback too, unless Calico accepts first.
 */
const unserved = (compiled: CompiledWorld, node: CompiledNode, packet: Packet, { by, note }: Extract<Translation, { kind: 'unserved' }>): Outcome => {
  const trail = noted(undefined, node.name, note)
  const place = compiled.place(packet.destination)
  if (!sharesFilterTable(compiled) || by === 'cluster-ip' || (holds(place, node) && node.wildcard === undefined)) return { action: 'deny', trail }
  return send(compiled, { node, packet, trail }, 'no', 'plain')
}

/** To itself, to a pod on it (never policed), or out by the interface its source address is on. What egress policy accepted before meets it no more. */
const send = (
  compiled: CompiledWorld,
  { node, packet, trail }: Omit<At, 'nic'>,
  masquerade: Masquerade,
  tracking: Tracking,
  isAccepted = false,
): Outcome => {
  const judge = (at: At, next: Next) => (isAccepted ? next(at.trail) : fromHost(at, compiled, next))
  const place = compiled.place(packet.destination)
  if (place.kind === 'pod' && place.node === node) return reaches({ node, packet }, trail, 'a pod of its own node, which Calico never polices')
  if (place.kind === 'loopback') return overLoopback(compiled, { node, packet, trail }, masquerade, judge)
  const out = (to: Place) => leave(compiled, { node, packet, trail, to, masquerade, tracking }, judge)
  if (!holds(place, node)) return out(place)
  const others = place.kind === 'floating' ? place.nodes.filter((holder) => holder !== node) : []
  const self = overLoopback(compiled, { node, packet, trail }, masquerade, judge)
  if (others.length === 0 || self.action === 'unknown') return self
  const elsewhere = out({ kind: 'floating', nodes: others })
  return agree(
    trail,
    node.name,
    () => `which node holds ${packet.destination.text}`,
    [self, elsewhere],
    (outcome) => outcome,
  )
}

/** What a node sends to itself goes over `lo`: a named HostEndpoint never sees it, `*` polices it both ways. */
const overLoopback = (
  compiled: CompiledWorld,
  { node, packet, trail }: Omit<At, 'nic'>,
  masquerade: Masquerade,
  judge: (at: At, next: Next) => Outcome,
): Outcome => {
  const arrived = (after: Trail | undefined) => reaches({ node, packet }, after, `${node.name} over loopback`)
  if (node.wildcard === undefined) return arrived(trail)
  const at: At = { node, nic: wildcardNic('lo', node), packet, trail }
  return judge(at, (sent) =>
    agree(sent, node.name, 'whether the packet is masqueraded', seenBy(node, packet, masquerade), (seen) =>
      beforeDnat({ ...at, packet: seen, trail: sent }, (accepted, after) =>
        toHost({ ...at, packet: seen, trail: after }, accepted, compiled, arrived),
      ),
    ),
  )
}

/** A pod on a node calls. Its interface carries no HostEndpoint of its own, but `*` reaches it with preDNAT and forward policy. */
export const fromPod = (compiled: CompiledWorld, node: CompiledNode, packet: Packet): Outcome => {
  const at: At = { node, nic: wildcardNic('a pod interface', node), packet, trail: undefined }
  return beforeDnat(at, (accepted, trail) => {
    const translation = translate(compiled, node, packet, true)
    if (translation.kind === 'none') {
      const natOutgoing = masqueradesPods(compiled, packet)
      const tracking = natOutgoing === 'yes' ? 'translated' : natOutgoing === 'no' ? 'plain' : 'perhaps translated'
      return podSends(compiled, { ...at, trail }, accepted, { masquerade: natOutgoing, tracking, marked: 'no' })
    }
    if (translation.kind === 'unknown') return unknown(trail, node.name, translation.what)
    const after = noted(trail, node.name, translation.note)
    if (translation.kind === 'unserved') {
      const isOwn = holds(compiled.place(packet.destination), node)
      if (!sharesFilterTable(compiled) || !isOwn) return { action: 'deny', trail: after }
      return podSends(compiled, { ...at, trail: after }, accepted, { masquerade: 'no', tracking: 'plain', marked: 'no' })
    }
    return agree(after, node.name, 'which endpoint kube-proxy picks', translation.targets, (target) => {
      const [marked, translated] = [translation.masquerade, sentTo(packet, target)]
      // natOutgoing sees where kube-proxy sends it: an endpoint that is a node's own process is in no pool.
      const masquerade = stronger(marked, masqueradesPods(compiled, translated))
      const sent: Sent = { masquerade, tracking: 'translated', marked }
      return podSends(compiled, { ...at, packet: translated, trail: after }, accepted, sent)
    })
  })
}

const podSends = (compiled: CompiledWorld, at: At, accepted: boolean, sent: Sent): Outcome => {
  const { node, packet, trail } = at
  const place = compiled.place(packet.destination)
  if (isForbiddenToPods(compiled, packet))
    return end('deny', trail, node.name, { stage: 'route', text: 'Felix drops tunnel packets that come from pods' })
  if (place.kind === 'link') return unknown(trail, node.name, 'multicast and link-local packets of pods are not modelled')
  if (place.kind !== 'loopback' && !holds(place, node)) return through(compiled, at, accepted, sent)
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

const stronger = (one: Masquerade, other: Masquerade): Masquerade =>
  one === 'yes' || other === 'yes' ? 'yes' : one === 'maybe' || other === 'maybe' ? 'maybe' : 'no'

/** natOutgoing: towards addresses in no pool a pod shows its node's address. */
const masqueradesPods = ({ pools, place }: CompiledWorld, { source, destination }: Packet): 'yes' | 'no' | 'maybe' => {
  if (place(destination).kind === 'pod') return 'no'
  const pool = pools?.find(({ holds: inPool }) => inPool(source))
  if (pool === undefined) return 'maybe'
  return pool.natOutgoing ? 'yes' : 'no'
}
