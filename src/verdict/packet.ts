import type { RuleProtocol } from '../calico/shapes.ts'
import type { Ip } from './ip.ts'
import type { Connection } from './model.ts'

/** The first packet of a connection at one point of its way; addresses and port change under NAT. */
export interface Packet {
  readonly source: Ip
  readonly destination: Ip
  /** IANA protocol number. */
  readonly protocol: number
  /** Destination port; undefined where the protocol has none, or where a kernel picked it. */
  readonly port: number | undefined
  readonly sourcePort: number | undefined
  readonly icmp: Connection['icmp']
  /** Connection tracking knows it already. */
  readonly established: boolean
  /** The node that is asked about where an address does not say. */
  readonly via: string | undefined
}

/** Protocol numbers the paths speak of by name. */
export const protocols = { icmp: 1, ipip: 4, tcp: 6, udp: 17, icmpv6: 58, sctp: 132, udplite: 136 } as const

const known: ReadonlyMap<string, number> = new Map(Object.entries(protocols).filter(([name]) => name !== 'ipip'))

/** The spellings of the Kubernetes and Calico APIs, found without making another string. */
const usual: ReadonlyMap<string, number> = new Map([
  ['TCP', protocols.tcp],
  ['UDP', protocols.udp],
  ['SCTP', protocols.sctp],
  ['ICMP', protocols.icmp],
  ['ICMPv6', protocols.icmpv6],
  ['UDPLite', protocols.udplite],
])

const nameOf: ReadonlyMap<number, string> = new Map([...known].map(([name, number]) => [number, name]))

/** The number behind a protocol as Calico writes it: a name in any case, or a number, possibly as text. `undefined` for a name Calico does not know. */
export const protocolNumber = (protocol: RuleProtocol | string): number | undefined =>
  typeof protocol === 'number' ? protocol : (usual.get(protocol) ?? (/^\d+$/.test(protocol) ? Number(protocol) : known.get(protocol.toLowerCase())))

/** The name of a protocol where the paths know one, else `protocol 112`. */
export const protocolName = (protocol: number): string => nameOf.get(protocol) ?? `protocol ${protocol}`

/** Whether packets of a protocol carry ports. */
export const hasPorts = (protocol: number): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp || protocol === protocols.udplite

/** What a request's ICMP type is answered with: echo, timestamp, information, address mask; ICMPv6 echo. */
const answerTypes: Readonly<Record<number, number>> = { 8: 0, 13: 14, 15: 16, 17: 18, 128: 129 }

/** Whether a packet asks for an answer, without which nothing is reached. */
export const hasAnswer = ({ protocol, icmp }: Packet): boolean => hasPorts(protocol) || (icmp !== undefined && answerTypes[icmp.type] !== undefined)

/** The answer to a packet. */
export const turned = (packet: Packet): Packet => ({
  ...packet,
  source: packet.destination,
  destination: packet.source,
  port: packet.sourcePort,
  sourcePort: packet.port,
  icmp: packet.icmp && { ...packet.icmp, type: answerTypes[packet.icmp.type] ?? packet.icmp.type },
})

/** How a packet is named to people: `tcp 192.168.218.53 -> 192.168.218.174:31110`. */
export const formatPacket = ({ source, destination, protocol, port }: Packet): string =>
  `${protocolName(protocol)} ${source.text} -> ${destination.text}${port === undefined ? '' : `:${port}`}`
