import type { Facts, NodeFacts } from '../firewall/facts/facts.ts'
import { type Address, parseAddress } from '../net/address.ts'
import { felixSettings } from '../verdict/felix-settings.ts'
import type { Connection } from '../verdict/model.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet, trustNodes } from './life-line.ts'

interface Sample extends Pick<Connection, 'protocol' | 'port'> {
  readonly what: string
  readonly why: string
}

/** What nodes say to each other whatever runs on them; one port stands for all a rule cannot tell from it. */
const samplesOf = ({ components }: Facts): readonly Sample[] => {
  const { vxlanPort, wireguard } = felixSettings(components?.felixSettings ?? [])
  const bgp = components?.bgp.port ?? 179
  const tunnel = (port: number, what: string): Sample => ({ protocol: 'UDP', port, what: `${what} (${port}/udp)`, why: inside })
  return [
    { protocol: 'TCP', port: bgp, what: `BGP (${bgp}/tcp)`, why: 'routes to pods come this way' },
    ...samples,
    tunnel(vxlanPort, 'VXLAN'),
    tunnel(wireguard[4] ?? wireguard[6] ?? 51820, 'WireGuard'),
  ]
}

const inside = 'pods reach pods of other nodes inside it'
const samples: readonly Sample[] = [
  { protocol: 'TCP', port: 9100, what: 'any TCP port (9100/tcp)', why: 'storage, metrics and hostNetwork pods live on it' },
  { protocol: 'UDP', port: 7946, what: 'any UDP port (7946/udp)', why: 'MetalLB’s speakers and other members find each other this way' },
  { protocol: 4, what: 'IPIP (protocol 4)', why: inside },
]

/** Of control-plane nodes among themselves. */
const centralSamples: readonly Sample[] = [
  { protocol: 'TCP', port: 2379, what: 'etcd (2379/tcp)', why: 'the API server keeps everything there' },
  { protocol: 'TCP', port: 2380, what: 'etcd’s peer (2380/tcp)', why: 'without its peers etcd loses its quorum' },
]

/** Node to node, etcd's members, keepalived's adverts, and what IPv6 neighbours cannot do without. */
export const nodeLifeLines = ({ facts, pairs, callers }: Cast): LifeLine[] => {
  const said = samplesOf(facts)
  const keepalived = (facts.components?.programs ?? []).filter(({ ports }) => ports.some(({ protocol }) => protocol === vrrp))
  const advertises = (node: NodeFacts) => node.controlPlane || keepalived.some(({ nodes }) => nodes === undefined || nodes.includes(node.name))
  return [
    ...pairs.flatMap(([one, other]) => [...between(one, other, said), ...(advertises(one) && advertises(other) ? adverts(one, other) : [])]),
    ...callers.flatMap(onLink),
  ]
}

const between = (one: NodeFacts, other: NodeFacts, said: readonly Sample[]): LifeLine[] => {
  const central = one.controlPlane && other.controlPlane
  const nodes = [one.name, other.name]
  const plain = meet(internal(one), internal(other)).flatMap(([source, destination]) =>
    [...said, ...(central ? centralSamples : [])].map(({ what, why, ...kind }) => ({
      title: `node ${one.name} -> node ${other.name}, ${what}`,
      connection: { source, destination, ...kind },
      ...{ why, remedy: trustNodes, nodes },
    })),
  )
  return [...plain, ...solicitations(one, other)]
}

const vrrp = 112
const multicast = { vrrp4: parseAddress('224.0.0.18'), vrrp6: parseAddress('ff02::12'), allNodes: parseAddress('ff02::1') }
/** Any neighbour on the link, and any link-local address of the node's own. */
const linkLocal = { neighbour: parseAddress('fe80::1'), own: parseAddress('fe80::2') }

/** keepalived's adverts (RFC 5798): a node that misses them takes the VIP as well. */
const adverts = (one: NodeFacts, other: NodeFacts): LifeLine[] => {
  const families = [
    ...internal(one)
      .filter(isV4)
      .slice(0, 1)
      .map((source) => ({ source, destination: multicast.vrrp4 })),
    ...(internal(one).some(isV6) ? [{ source: linkLocal.neighbour, destination: multicast.vrrp6 }] : []),
  ]
  const unicast = meet(internal(one), internal(other)).map(([source, destination]) => ({ source, destination }))
  return [...families, ...unicast].map((ends) => ({
    title: `node ${one.name} -> node ${other.name}, VRRP (protocol 112 to ${ends.destination})`,
    connection: { ...ends, protocol: vrrp, via: other.name },
    why: 'a keepalived that hears no advert takes the API VIP too, and two nodes answer under it',
    remedy: `${trustNodes}; over IPv6 allow protocol 112 from fe80::/10 to ff02::12`,
    nodes: [one.name, other.name],
  }))
}

const neighbours = 'allow ICMPv6 (types 133 to 136 at least) in a policy that comes before every Deny: calico-fw-base does'

/** IPv6 finds addresses on the link by ICMPv6; nothing in Calico exempts that on a HostEndpoint. */
const solicitations = (one: NodeFacts, other: NodeFacts): LifeLine[] =>
  meet(internal(one).filter(isV6), internal(other)).flatMap(([source, destination]) =>
    [135, 136].map((type) => ({
      title: `node ${one.name} -> node ${other.name}, ICMPv6 neighbour discovery (type ${type})`,
      connection: { source, destination, protocol: 'ICMPv6' as const, icmp: { type, code: 0 } },
      why: 'without it IPv6 neighbours do not find each other',
      remedy: neighbours,
      nodes: [one.name, other.name],
    })),
  )

/** From senders with link-local addresses, which are in no set: routers and DHCPv6 servers. */
const onLink = (node: NodeFacts): LifeLine[] => {
  if (!internal(node).some(isV6)) return []
  const line = (what: string, why: string, remedy: string, connection: Pick<Connection, 'destination' | 'protocol' | 'port' | 'icmp'>): LifeLine => ({
    title: `a neighbour (${linkLocal.neighbour}) -> node ${node.name}, ${what}`,
    connection: { source: linkLocal.neighbour, via: node.name, ...connection },
    ...{ why, remedy, nodes: [node.name] },
  })
  const icmp = (type: number, destination: Address) => ({ destination, protocol: 'ICMPv6' as const, icmp: { type, code: 0 } })
  return [
    line('ICMPv6 router advertisement (type 134)', 'the IPv6 default route goes with it', neighbours, icmp(134, multicast.allNodes)),
    line('ICMPv6 neighbour solicitation (type 135)', 'without it its router does not find the node', neighbours, icmp(135, linkLocal.own)),
    line('DHCPv6 reply (546/udp)', 'the node’s IPv6 address expires without it', 'allow UDP 546 from fe80::/10 to fe80::/10: calico-fw-base does', {
      ...{ destination: linkLocal.own, protocol: 'UDP', port: 546 },
    }),
  ]
}

const isV6 = (address: Address): boolean => address.includes(':')
const isV4 = (address: Address): boolean => !isV6(address)
