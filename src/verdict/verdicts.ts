import { type CompiledWorld, compileWorld, type Place } from './compiled-world.ts'
import { deliver } from './journey.ts'
import type { Connection, Verdict, World } from './model.ts'
import type { CompiledNode, Nic } from './node.ts'
import { agree, end, type Outcome, unknown, verdictOf } from './outcome.ts'
import { type Packet, protocolNumber } from './packet.ts'
import { fromNode, fromPod } from './senders.ts'

/**
 * Prepares a world and answers what becomes of connections in it: allow, deny, or unknown where the model does not know, each with the chain
 * of decisions. It judges what HostEndpoints do; a pod's own policies, the hosts' own rules and routing outside the nodes are not its matter.
 * Semantics are those of Felix 3.32 with kube-proxy in iptables or nftables mode.
 */
export const createVerdicts = (world: World): ((connection: Connection) => Verdict) => {
  const compiled = compileWorld(world)
  return (connection) => verdictOf(judge(compiled, connection))
}

/** One question asked of one world; ask many of {@link createVerdicts}. */
export const decide = (world: World, connection: Connection): Verdict => createVerdicts(world)(connection)

const judge = (compiled: CompiledWorld, connection: Connection): Outcome => {
  const { dataplane } = compiled.world
  const protocol = protocolNumber(connection.protocol)
  const [source, destination] = [compiled.ip(connection.source), compiled.ip(connection.destination)]
  if (dataplane !== 'iptables' && dataplane !== 'nftables') {
    return unknown(undefined, '', dataplane === 'bpf' ? 'the eBPF dataplane is not modelled' : 'the dataplane was not detected')
  }
  if (protocol === undefined) return unknown(undefined, '', `protocol ${connection.protocol} is none Calico knows`)
  if (source.family !== destination.family) return unknown(undefined, '', 'source and destination are of different families')
  const packet: Packet = { source, destination, protocol, port: connection.port, icmp: connection.icmp }
  return fromPlace(compiled, compiled.place(source), packet, connection.via)
}

const fromPlace = (compiled: CompiledWorld, from: Place, packet: Packet, via: string | undefined): Outcome => {
  switch (from.kind) {
    case 'node':
      return fromNode(compiled, from.node, packet)
    case 'floating':
      return agree(
        undefined,
        '',
        `which node holds ${packet.source.text}`,
        from.nodes.map((node) => () => fromNode(compiled, node, packet)),
      )
    case 'pod':
      if (from.node === undefined) return unknown(undefined, '', `no node is known to run a pod with address ${packet.source.text}`)
      return fromPod(compiled, from.node, packet)
    case 'loopback':
      return fromLoopback(compiled, packet)
    case 'service':
    case 'outside':
      return fromOutside(compiled, packet, via)
  }
}

/** Only a wildcard HostEndpoint sees loopback; packets from 127.0.0.0/8 never leave a node. */
const fromLoopback = ({ nodes }: CompiledWorld, { destination }: Packet): Outcome => {
  if (!destination.loopback) return unknown(undefined, '', 'packets from a loopback address leave no node')
  const policed = nodes().find(({ wildcard }) => wildcard !== undefined)
  if (policed !== undefined) return unknown(undefined, policed.name, 'HostEndpoint * polices loopback, and which node this is is not told')
  return end('allow', undefined, { node: '', stage: 'route', text: 'loopback is seen by no named HostEndpoint' })
}

const fromOutside = (compiled: CompiledWorld, packet: Packet, via: string | undefined): Outcome => {
  const entrances = entrancesOf(compiled, packet, via)
  if (entrances === undefined) return unknown(undefined, '', `no node, pod or Service is known under ${packet.destination.text}`)
  const alternatives = entrances.map(
    ({ node, nic }) =>
      () =>
        deliver(compiled, { node, nic, packet, trail: undefined }),
  )
  return agree(undefined, '', `by which node and interface ${packet.destination.text} is reached`, alternatives)
}

interface Entrance {
  readonly node: CompiledNode
  readonly nic: Nic
}

/** Where a packet from outside the nodes comes in. A LoadBalancer with externalTrafficPolicy Local is announced only by nodes that run an endpoint. */
const entrancesOf = (compiled: CompiledWorld, { destination }: Packet, via: string | undefined): Entrance[] | undefined => {
  const place = compiled.place(destination)
  if (place.kind === 'node') return place.node.nicsOf(destination.text).map((nic) => ({ node: place.node, nic }))
  const chosen = via === undefined ? undefined : compiled.node(via)
  const nodes = chosen === undefined ? candidates(compiled, place, destination.text) : [chosen]
  return nodes?.flatMap((node) => node.nics.map((nic) => ({ node, nic })))
}

const candidates = (compiled: CompiledWorld, place: Place, address: Packet['destination']['text']): readonly CompiledNode[] | undefined => {
  if (place.kind === 'outside') return undefined
  if (place.kind === 'floating') return place.nodes
  if (place.kind === 'pod' && place.node !== undefined) return [place.node]
  const announced = compiled.services.at(address).filter(({ loadBalancerIPs }) => loadBalancerIPs.includes(address))
  const local = announced.length > 0 && announced.every(({ externalTrafficPolicy }) => externalTrafficPolicy === 'Local')
  if (!local) return compiled.nodes()
  const running = new Set(announced.flatMap(({ endpoints }) => endpoints.map(({ node }) => node)))
  return compiled.nodes().filter(({ name }) => running.has(name))
}
