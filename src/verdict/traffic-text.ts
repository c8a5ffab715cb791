import { formatPortRange, type PortRange } from '../net/port.ts'
import { hasPorts, protocolName } from './packet.ts'
import type { TrafficClass } from './traffic-classes.ts'

/** Protocols people know by another name than their number (IANA). */
const called: ReadonlyMap<number, string> = new Map([
  [4, 'IPIP'],
  [112, 'VRRP'],
])

/** Classes of traffic in words, ports of one protocol put together: `every TCP port but 22, 6443; UDP 53; ICMP`. */
export const trafficText = (classes: readonly TrafficClass[]): string => {
  const byProtocol = new Map<number, PortRange[]>()
  const others: string[] = []
  for (const { protocol, ports, name } of classes) {
    if (hasPorts(protocol)) byProtocol.set(protocol, [...(byProtocol.get(protocol) ?? []), ...ports])
    else others.push(called.get(protocol) ?? name)
  }
  return [...[...byProtocol].map(([protocol, ports]) => portsText(protocolName(protocol).toUpperCase(), joined(ports))), ...others].join('; ')
}

const all: PortRange = { first: 1, last: 65535 }

/** By what is in it, or by what is not where that is shorter. */
const portsText = (name: string, ports: readonly PortRange[]): string => {
  const rest = gaps(ports)
  if (rest.length === 0) return `every ${name} port`
  const list = (ranges: readonly PortRange[]) => ranges.map(formatPortRange).join(', ')
  const isMost = ports.reduce((sum, { first, last }) => sum + last - first + 1, 0) > all.last / 2
  return isMost ? `every ${name} port but ${list(rest)}` : `${name} ${list(ports)}`
}

const joined = (ports: readonly PortRange[]): PortRange[] => {
  const out: PortRange[] = []
  for (const range of [...ports].sort((one, other) => one.first - other.first)) {
    const last = out.at(-1)
    if (last !== undefined && range.first <= last.last + 1) out[out.length - 1] = { first: last.first, last: Math.max(last.last, range.last) }
    else out.push(range)
  }
  return out
}

/** What lies between sorted ranges that do not touch. */
const gaps = (ports: readonly PortRange[]): PortRange[] => {
  const ends = [0, ...ports.map(({ last }) => last)]
  const starts = [...ports.map(({ first }) => first), all.last + 1]
  return ends.flatMap((end, at) => {
    const next = starts[at] ?? 0
    return next > end + 1 ? [{ first: end + 1, last: next - 1 }] : []
  })
}
