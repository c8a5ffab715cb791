/** An address as the interpreter computes with it. */
export interface Ip {
  readonly family: 4 | 6
  readonly value: bigint
}

/** What a packet says of itself on the wire. */
export interface Header {
  readonly source: Ip
  readonly destination: Ip
  /** IANA number. */
  readonly protocol: number
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly icmp?: { readonly type: number; readonly code: number }
}

const parsed = new Map<string, Ip>()

/**
 * Reads `192.168.218.53` or `fd00::1`. Written apart from the product's reader, as everything here.
 * @throws Error for text that is no address
 */
export const ipOf = (text: string): Ip => {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const made: Ip = text.includes(':') ? { family: 6, value: v6(text) } : { family: 4, value: v4(text) }
  parsed.set(text, made)
  return made
}

const v4 = (text: string): bigint => {
  const octets = text.split('.').map(Number)
  if (octets.length !== 4 || octets.some((octet) => !Number.isInteger(octet) || octet < 0 || octet > 255)) throw new Error(`"${text}" is no address`)
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
}

const v6 = (text: string): bigint => {
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'))
  const [first, last] = [groups(head), groups(tail)]
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  const all = tail === undefined ? first : [...first, ...zeros, ...last]
  if (all.length !== 8) throw new Error(`"${text}" is no address`)
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** Whether two addresses are one. */
export const isSameIp = (one: Ip, other: Ip): boolean => one.family === other.family && one.value === other.value

/** A net: an address, or one with its prefix length. */
export interface Net {
  readonly family: 4 | 6
  readonly hostBits: bigint
  readonly network: bigint
}

/** Reads `10.0.0.0/8`, or an address as a net of one. */
export const netOf = (text: string): Net => {
  const [address = '', length] = text.split('/')
  const { family, value } = ipOf(address)
  const bits = family === 4 ? 32 : 128
  const hostBits = BigInt(bits - (length === undefined ? bits : Number(length)))
  return { family, hostBits, network: value >> hostBits }
}

/** Whether a net holds an address. */
export const holds = ({ family, hostBits, network }: Net, ip: Ip): boolean => ip.family === family && ip.value >> hostBits === network

const numbers: Readonly<Record<string, number>> = {
  ...{ icmp: 1, igmp: 2, ipencap: 4, ipip: 4, tcp: 6, udp: 17, gre: 47, esp: 50, ah: 51 },
  ...{ icmpv6: 58, 'ipv6-icmp': 58, vrrp: 112, sctp: 132, udplite: 136 },
}

/**
 * The number of a protocol by name or number.
 * @throws Error for a name nobody told us
 */
export const protocolOf = (text: string | number): number => {
  const number = typeof text === 'number' || /^\d+$/.test(text) ? Number(text) : numbers[text.toLowerCase()]
  if (number === undefined) throw new Error(`"${text}" is no protocol known here`)
  return number
}
