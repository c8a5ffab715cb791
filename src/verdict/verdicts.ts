import type { AddressBook } from './address-book.ts'
import { type CompiledWorld, compileWorld, type Place } from './compiled-world.ts'
import { deliver } from './journey.ts'
import type { Connection, Verdict, World } from './model.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, type Outcome, unknown, verdictOf } from './outcome.ts'
import { type Packet, protocolNumber } from './packet.ts'
import { fromNode, fromPod } from './senders.ts'

/** A prepared world, asked for the action alone, millions of times, or for the chain of decisions too. */
export interface Decider {
  readonly action: (connection: Connection) => Verdict['action']
  readonly verdict: (connection: Connection) => Verdict
}

/**
 * Prepares a world and answers what becomes of connections in it: allow, deny, or unknown where the model does not know, each with the chain
 * of decisions. It judges what HostEndpoints do; a pod's own policies, the hosts' own rules and routing outside the nodes are not its matter.
 * Semantics are those of Felix 3.32 with kube-proxy in iptables or nftables mode. Worlds that differ little are cheaper with one book.
 */
export const createDecider = (world: World, book?: AddressBook): Decider => {
  const compiled = compileWorld(world, book)
  return {
    action: (connection) => judge(compiled, connection).action,
    verdict: (connection) => verdictOf(judge(compiled, connection)),
  }
}

/** The verdicts of a world: {@link createDecider} for who always wants the reasons. */
export const createVerdicts = (world: World): ((connection: Connection) => Verdict) => createDecider(world).verdict

/** One question asked of one world; ask many of {@link createVerdicts}. */
export const decide = (world: World, connection: Connection): Verdict => createVerdicts(world)(connection)

const judge = (compiled: CompiledWorld, connection: Connection): Outcome => {
  const { book, world, place } = compiled
  const protocol = protocolNumber(connection.protocol)
  const [source, destination] = [book.ip(connection.source), book.ip(connection.destination)]
  if (world.dataplane !== 'iptables' && world.dataplane !== 'nftables') {
    return unknown(undefined, '', world.dataplane === 'bpf' ? 'the eBPF dataplane is not modelled' : 'the dataplane was not detected')
  }
  if (protocol === undefined) return unknown(undefined, '', `protocol ${connection.protocol} is none Calico knows`)
  if (source.family !== destination.family) return unknown(undefined, '', 'source and destination are of different families')
  const { port, sourcePort, icmp, via, established = false } = connection
  return fromPlace(compiled, place(source), { source, destination, protocol, port, sourcePort, icmp, via, established })
}

const fromPlace = (compiled: CompiledWorld, from: Place, packet: Packet): Outcome => {
  switch (from.kind) {
    case 'node':
      return fromNode(compiled, from.node, packet)
    case 'floating':
      return agree(undefined, '', `which node holds ${packet.source.text}`, from.nodes, (node) => fromNode(compiled, node, packet))
    case 'pod':
      if (from.node === undefined) return unknown(undefined, '', `no node is known to run a pod with address ${packet.source.text}`)
      return fromPod(compiled, from.node, packet)
    case 'loopback':
      return fromLoopback(compiled, packet)
    case 'service':
    case 'link':
    case 'outside':
      return fromOutside(compiled, packet)
  }
}

/** Only a wildcard HostEndpoint sees loopback; packets from 127.0.0.0/8 never leave a node. */
const fromLoopback = ({ nodes }: CompiledWorld, { destination }: Packet): Outcome => {
  if (!destination.loopback) return unknown(undefined, '', 'packets from a loopback address leave no node')
  const policed = nodes().find(({ wildcard }) => wildcard !== undefined)
  if (policed !== undefined) return unknown(undefined, policed.name, 'HostEndpoint * polices loopback, and which node this is is not told')
  return end('allow', undefined, '', { stage: 'route', text: 'loopback is seen by no named HostEndpoint' })
}

const fromOutside = (compiled: CompiledWorld, packet: Packet): Outcome => {
  const place = compiled.place(packet.destination)
  const open = () => `by which node and interface ${packet.destination.text} is reached`
  const enter = (node: CompiledNode, nics: readonly Nic[]) =>
    agree(undefined, node.name, open, nics, (nic) => deliver(compiled, { node, nic, packet, trail: undefined }))
  if (place.kind === 'node') return enter(place.node, place.node.nicsOf(packet.destination.text))
  const chosen = packet.via === undefined ? undefined : compiled.node(packet.via)
  if (chosen !== undefined) return enter(chosen, chosen.nics)
  const nodes = candidates(compiled, place, packet.destination.text)
  if (nodes === undefined) return unknown(undefined, '', `no node, pod or Service is known at ${packet.destination.text}`)
  return agree(undefined, '', open, nodes, (node) => enter(node, node.nics))
}

/** The nodes a packet from outside may come in by. A LoadBalancer with externalTrafficPolicy Local is announced only by nodes that run an endpoint. */
const candidates = (compiled: CompiledWorld, place: Place, address: Packet['destination']['text']): readonly CompiledNode[] | undefined => {
  if (place.kind === 'outside' || place.kind === 'link') return undefined
  if (place.kind === 'floating') return place.nodes
  if (place.kind === 'pod' && place.node !== undefined) return [place.node]
  const announced = compiled.services.at(address).filter(({ loadBalancerIPs }) => loadBalancerIPs.includes(address))
  const local = announced.length > 0 && announced.every(({ externalTrafficPolicy }) => externalTrafficPolicy === 'Local')
  if (!local) return compiled.nodes()
  const running = new Set(announced.flatMap(({ endpoints }) => endpoints.map(({ node }) => node)))
  return compiled.nodes().filter(({ name }) => running.has(name))
}
