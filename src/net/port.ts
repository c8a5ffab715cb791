import { FwError } from '../errors.ts'

/** Protocols that carry ports and that Calico rules know by name. */
export const portProtocols = ['TCP', 'UDP', 'SCTP'] as const
/** TCP, UDP or SCTP, upper-case as Calico's v3 validator wants it. */
export type PortProtocol = (typeof portProtocols)[number]

/** A protocol with ports by name, any other by its IANA number, 1 to 255. */
export type Protocol = PortProtocol | number

/** `tcp`, or `protocol 47`. */
export const protocolInWords = (protocol: Protocol): string => (typeof protocol === 'number' ? `protocol ${protocol}` : protocol.toLowerCase())

/** Ports 1 to 65535, both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** A protocol with one range of its ports, written `80/tcp` or `30000-30010/tcp`. */
export interface PortSpec extends PortRange {
  readonly protocol: PortProtocol
}

const fix = 'write a port as 80/tcp, a range as 30000-30010/tcp; protocols are tcp, udp and sctp'

/**
 * Parses `80/tcp` or `30000-30010/udp`. The protocol is always written out: a silent default has opened wrong ports before.
 * @throws FwError FW_BAD_PORT
 */
export const parsePortSpec = (text: string): PortSpec => {
  const [ports = '', name = '', ...rest] = text.split('/')
  const protocol = portProtocols.find((known) => known === name.toUpperCase())
  if (/^\d+(-\d+)?$/.test(text))
    throw new FwError('FW_BAD_PORT', `"${text}" names no protocol`, { fix: `write ${text}/tcp, ${text}/udp or ${text}/sctp` })
  if (rest.length > 0 || protocol === undefined) throw new FwError('FW_BAD_PORT', `"${text}" is not a port`, { fix })
  return { protocol, ...parsePortRange(ports) }
}

/**
 * Parses `80` or `30000-30010`.
 * @throws FwError FW_BAD_PORT
 */
export const parsePortRange = (text: string): PortRange => {
  const match = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first > 65535 || last > 65535 || first > last) {
    throw new FwError('FW_BAD_PORT', `"${text}" is not a port between 1 and 65535, nor a rising range of them`, { fix })
  }
  return { first, last }
}

/** `80` or `30000-30010`, as kubectl and firewalld print them. */
export const formatPortRange = ({ first, last }: PortRange): string => (first === last ? `${first}` : `${first}-${last}`)

/** `80/tcp` or `30000-30010/tcp`. */
export const formatPortSpec = (spec: PortSpec): string => `${formatPortRange(spec)}/${spec.protocol.toLowerCase()}`
