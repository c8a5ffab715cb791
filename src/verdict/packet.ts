import type { RuleProtocol } from '../calico/shapes.ts'
import type { Ip } from './ip.ts'
import type { Connection } from './model.ts'

/** The first packet of a connection at one point of its way; addresses and port change under NAT. */
export interface Packet {
  readonly source: Ip
  readonly destination: Ip
  /** IANA protocol number. */
  readonly protocol: number
  readonly port: number | undefined
  readonly icmp: Connection['icmp']
}

/** Protocol numbers the paths speak of by name. */
export const protocols = { icmp: 1, ipip: 4, tcp: 6, udp: 17, icmpv6: 58, sctp: 132, udplite: 136 } as const

const known: ReadonlyMap<string, number> = new Map(Object.entries(protocols).filter(([name]) => name !== 'ipip'))

const nameOf: ReadonlyMap<number, string> = new Map([...known].map(([name, number]) => [number, name]))

/** The number behind a protocol as Calico writes it: a name in any case, or a number, possibly as text. `undefined` for a name Calico does not know. */
export const protocolNumber = (protocol: RuleProtocol | string): number | undefined =>
  typeof protocol === 'number' ? protocol : /^\d+$/.test(protocol) ? Number(protocol) : known.get(protocol.toLowerCase())

/** How a packet is named to people: `tcp 192.168.218.53 -> 192.168.218.174:31110`. */
export const formatPacket = ({ source, destination, protocol, port }: Packet): string => {
  const name = nameOf.get(protocol) ?? `protocol ${protocol}`
  return `${name} ${source.text} -> ${destination.text}${port === undefined ? '' : `:${port}`}`
}
