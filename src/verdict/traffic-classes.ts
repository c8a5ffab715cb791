import type { Rule } from '../calico/shapes.ts'
import type { PortRange } from '../net/port.ts'
import type { Connection, World } from './model.ts'
import { hasPorts, protocolName, protocolNumber, protocols } from './packet.ts'

/** Traffic no verdict can tell apart: ports of one protocol, or ICMP of one kind. */
export interface TrafficClass {
  /** `TCP 80-442, 444-65535`, `ICMP type 8 code 0`, `any other protocol`. */
  readonly name: string
  readonly protocol: number
  readonly ports: readonly PortRange[]
  readonly representative: Pick<Connection, 'protocol' | 'port' | 'icmp'>
}

/** Ports the paths themselves name: VXLAN, WireGuard, and the range IPVS takes for forwarded. */
const namedByPaths: readonly PortRange[] = [
  { first: 4789, last: 4789 },
  { first: 51820, last: 51821 },
  { first: 30000, last: 32767 },
]
/** Numbers nobody has been given (IANA: for experimentation). */
const otherProtocol = 253
const otherIcmp = { type: 253, code: 253 }

/** Cuts all traffic for some worlds. */
export const trafficClasses = (worlds: readonly World[]): TrafficClass[] => {
  const rules = worlds.flatMap(({ policies }) => policies.flatMap(({ spec }) => [...(spec.ingress ?? []), ...(spec.egress ?? [])]))
  const mentioned = rules.flatMap(({ protocol, notProtocol }) =>
    [protocol, notProtocol].flatMap((one) => (one === undefined ? [] : (protocolNumber(one) ?? []))),
  )
  const numbers = new Set([protocols.tcp, protocols.udp, protocols.sctp, protocols.icmp, protocols.icmpv6, protocols.ipip, ...mentioned])
  const lists = portLists(worlds, rules)
  return [
    ...[...numbers].flatMap((protocol) => {
      if (hasPorts(protocol)) return portClasses(protocol, lists)
      if (protocol === protocols.icmp || protocol === protocols.icmpv6) return icmpClasses(protocol, rules)
      return [{ name: protocolName(protocol), protocol, ports: [], representative: { protocol } }]
    }),
    { name: 'any other protocol', protocol: otherProtocol, ports: [], representative: { protocol: otherProtocol } },
  ]
}

const portLists = (worlds: readonly World[], rules: readonly Rule[]): (readonly PortRange[])[] => {
  const one = (port: number | undefined): PortRange[][] => (port === undefined ? [] : [[{ first: port, last: port }]])
  const ofRules = rules.flatMap(({ destination = {} }) => [destination.ports ?? [], destination.notPorts ?? []])
  return [
    namedByPaths.slice(0, 2),
    namedByPaths.slice(2),
    ...ofRules.map((ports) => ports.flatMap(rangeOf)),
    ...worlds.flatMap(({ felix }) => [felix?.vxlanPort, ...Object.values(felix?.wireguard ?? {})].flatMap(one)),
    ...worlds.flatMap((world) => [
      ...Object.values(world.failsafes).flatMap(({ inbound, outbound }) => [...inbound.ports, ...outbound.ports].flatMap(({ port }) => one(port))),
      ...world.services.flatMap(({ ports, endpoints }) => [
        ...ports.flatMap(({ port, nodePort }) => [...one(port), ...one(nodePort)]),
        ...endpoints.flatMap((endpoint) => endpoint.ports.flatMap(({ port }) => one(port))),
      ]),
      ...(world.hostPorts ?? []).flatMap(({ hostPort, port }) => [...one(hostPort), ...one(port)]),
      ...world.hostEndpoints.flatMap(({ spec }) => (spec.ports ?? []).flatMap(({ port }) => one(port))),
    ]),
  ]
}

const rangeOf = (port: number | string): PortRange[] => {
  const match = /^(\d+)(?::(\d+))?$/.exec(String(port))
  return match === null ? [] : [{ first: Number(match[1]), last: Number(match[2] ?? match[1]) }]
}

/** Ports in the same lists, as one class of as many ranges as it takes. */
const portClasses = (protocol: number, lists: readonly (readonly PortRange[])[]): TrafficClass[] => {
  const distinct = [...new Map(lists.map((list) => [JSON.stringify(list), list])).values()]
  const starts = new Set([1])
  for (const { first, last } of distinct.flat()) for (const start of [first, last + 1]) if (start >= 1 && start <= 65535) starts.add(start)
  const sorted = [...starts].sort((one, other) => one - other)
  const groups = new Map<string, PortRange[]>()
  for (const [at, first] of sorted.entries()) {
    const key = distinct.flatMap((list, index) => (list.some((range) => range.first <= first && first <= range.last) ? [index] : [])).join(' ')
    const last = (sorted[at + 1] ?? 65536) - 1
    const group = groups.get(key)
    const before = group?.at(-1)
    if (group === undefined) groups.set(key, [{ first, last }])
    else if (before !== undefined && before.last + 1 === first) group[group.length - 1] = { first: before.first, last }
    else group.push({ first, last })
  }
  return [...groups.values()].map((ports) => ({
    name: trafficName(protocol, ports),
    protocol,
    ports,
    representative: { protocol, port: ports[0]?.first ?? 1 },
  }))
}

/** `TCP 80, 443`; all ports are `every TCP port`. */
const trafficName = (protocol: number, ports: readonly PortRange[]): string => {
  const name = protocolName(protocol).toUpperCase()
  if (ports.length === 1 && ports[0]?.first === 1 && ports[0].last === 65535) return `every ${name} port`
  return `${name} ${ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')}`
}

/** Types and codes rules name, and one that stands for the rest of each. */
const icmpClasses = (protocol: number, rules: readonly Rule[]): TrafficClass[] => {
  const named = rules.flatMap(({ icmp, notICMP }) => [icmp, notICMP].flatMap((one) => (one === undefined ? [] : [one])))
  const types = new Set([...named.flatMap(({ type }) => type ?? []), otherIcmp.type])
  const codes = new Set([...named.flatMap(({ code }) => code ?? []), otherIcmp.code])
  const name = protocol === protocols.icmp ? 'ICMP' : 'ICMPv6'
  return [...types].flatMap((type) =>
    [...codes].map((code) => ({
      name:
        type === otherIcmp.type && code === otherIcmp.code
          ? named.length === 0
            ? name
            : `any other ${name}`
          : `${name} type ${type}${code === otherIcmp.code ? '' : ` code ${code}`}`,
      protocol,
      ports: [],
      representative: { protocol, icmp: { type, code } },
    })),
  )
}
