import { type Header, holds, type Ip, ipOf, isSameIp, type Net, netOf } from './header.ts'
import { type CtState, type Flight, type Hook, type Surroundings, type Table, throughHook } from './ruleset.ts'

/** A route of a node's main table. */
interface Route {
  readonly net: Net
  readonly device: string
  readonly gateway: Ip | undefined
}

/** A node as its dumps show it: rules, addresses, routes. */
export interface Kernel {
  readonly name: string
  readonly tables: readonly Table[]
  readonly surroundings: Surroundings
  readonly route: (ip: Ip) => Route | undefined
  /** The interface that holds an address of the node. */
  readonly interfaceOf: (ip: Ip) => string | undefined
  /** Whether any rule takes packets out of connection tracking: then answers must be looked at too. */
  readonly untracks: boolean
}

interface LinkJson {
  readonly ifname: string
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly scope: string }[]
}

interface RouteJson {
  readonly type?: string
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
  readonly table?: string
}

/** Puts a node together from its tables and from `ip -j addr` and `ip -j route show table all`. */
export const kernelOf = (name: string, tables: readonly Table[], links: string, routes: string): Kernel => {
  const addresses = (JSON.parse(links) as readonly LinkJson[]).flatMap(({ ifname, addr_info }) =>
    addr_info.map(({ local, scope }) => ({ device: ifname, ip: ipOf(local), scope })),
  )
  const all = JSON.parse(routes) as readonly RouteJson[]
  const netOfRoute = ({ dst, gateway }: RouteJson): Net => netOf(dst === 'default' ? (gateway?.includes(':') ? '::/0' : '0.0.0.0/0') : dst)
  const local = all.filter(({ type }) => type === 'local').map(netOfRoute)
  const main = all
    .filter(({ type, table }) => type === undefined && table === undefined)
    .map(
      (route): Route => ({ net: netOfRoute(route), device: route.dev ?? '', gateway: route.gateway === undefined ? undefined : ipOf(route.gateway) }),
    )
    .sort((one, other) => Number(one.net.hostBits - other.net.hostBits))
  const isLocal = (ip: Ip) => local.some((net) => holds(net, ip))
  const route = (ip: Ip) => main.find(({ net }) => holds(net, ip))
  const global = addresses.filter(({ scope }) => scope === 'global')
  const surroundings: Surroundings = {
    isLocal,
    routeTo: (ip) => (isLocal(ip) ? 'lo' : route(ip)?.device),
    addressOn: (device, family) => {
      const own = global.filter(({ ip }) => ip.family === family)
      return (own.find((one) => one.device === device) ?? own[0])?.ip
    },
  }
  return {
    name,
    tables,
    surroundings,
    route,
    interfaceOf: (ip) => addresses.find((one) => isSameIp(one.ip, ip))?.device,
    untracks: tables.some((table) => table.untracks),
  }
}

/** What became of a packet at one node. */
export interface Passage {
  readonly kernel: Kernel
  readonly fate: 'delivered' | 'sent' | 'drop' | 'reject'
  /** The interface it came in by; undefined: a process of the node sent it. */
  readonly inInterface: string | undefined
  readonly outInterface: string | undefined
  /** Who it goes to next, for `sent`. */
  readonly nextHop: Ip | undefined
  readonly before: Header
  readonly after: Header
  readonly isTracked: boolean
  /** The rule that ended its way, for people. */
  readonly endedBy: string | undefined
}

type Choose = (count: number) => number

const flightOf = (kernel: Kernel, header: Header, inInterface: string | undefined, choose: Choose, ct: CtState = 'NEW'): Flight => ({
  ...{ header, inInterface, choose, ct, outInterface: undefined, mark: 0, notrack: false, dnat: false, snat: false },
  surroundings: kernel.surroundings,
})

/** A packet comes in by wire: PREROUTING, then to the node itself or on through it. */
export const arrive = (kernel: Kernel, header: Header, inInterface: string, choose: Choose): Passage => {
  const flight = flightOf(kernel, header, inInterface, choose)
  return inwards(kernel, flight, header)
}

const inwards = (kernel: Kernel, flight: Flight, before: Header): Passage => {
  const ended = (fate: Passage['fate'], nextHop?: Ip): Passage => ({
    ...{ kernel, fate, before, nextHop, inInterface: flight.inInterface, outInterface: flight.outInterface },
    after: flight.header,
    isTracked: !flight.notrack,
    endedBy: flight.endedBy,
  })
  const through = (hook: Hook) => throughHook(kernel.tables, hook, flight)
  const first = through('prerouting')
  if (first !== 'accept') return ended(first)
  if (kernel.surroundings.isLocal(flight.header.destination)) {
    const fate = through('input')
    return ended(fate === 'accept' ? 'delivered' : fate)
  }
  const route = kernel.route(flight.header.destination)
  if (route === undefined) return ended('drop')
  flight.outInterface = route.device
  for (const hook of ['forward', 'postrouting'] as const) {
    const fate = through(hook)
    if (fate !== 'accept') return ended(fate)
  }
  return ended('sent', route.gateway ?? flight.header.destination)
}

/** A process of the node sends: OUTPUT sees the interface of the first routing, POSTROUTING the one after DNAT; to itself it comes back by `lo`. */
export const leave = (kernel: Kernel, header: Header, choose: Choose): Passage => {
  const flight = flightOf(kernel, header, undefined, choose)
  const { isLocal, routeTo } = kernel.surroundings
  flight.outInterface = routeTo(header.destination)
  const ended = (fate: Passage['fate'], nextHop?: Ip): Passage => ({
    ...{ kernel, fate, before: header, nextHop, inInterface: undefined, outInterface: flight.outInterface },
    after: flight.header,
    isTracked: !flight.notrack,
    endedBy: flight.endedBy,
  })
  if (flight.outInterface === undefined) return ended('drop')
  const out = throughHook(kernel.tables, 'output', flight)
  if (out !== 'accept') return ended(out)
  flight.outInterface = routeTo(flight.header.destination)
  if (flight.outInterface === undefined) return ended('drop')
  const post = throughHook(kernel.tables, 'postrouting', flight)
  if (post !== 'accept') return ended(post)
  if (!isLocal(flight.header.destination)) return ended('sent', kernel.route(flight.header.destination)?.gateway ?? flight.header.destination)
  // The packet keeps its mark and its connection over loopback, and is translated no more.
  const back: Flight = { ...flight, inInterface: 'lo', outInterface: undefined }
  for (const hook of ['prerouting', 'input'] as const) {
    const fate = throughHook(withoutNat(kernel.tables), hook, back)
    if (fate !== 'accept') return ended(fate)
  }
  return ended('delivered')
}

const natless = new WeakMap<readonly Table[], readonly Table[]>()

const withoutNat = (tables: readonly Table[]): readonly Table[] => {
  const known = natless.get(tables)
  if (known !== undefined) return known
  const made = tables.map((table) => ({ ...table, bases: table.bases.filter(({ isNat }) => !isNat) }))
  natless.set(tables, made)
  return made
}

/** UDP and UDPLite: their first packet may be anybody's. Answers of TCP, SCTP and ICMP begin no connection. */
const startsAnywhere: ReadonlySet<number> = new Set([17, 136])

/** Whether the answer to a packet comes back through the node it passed. Connection tracking undoes what it translated, and knows no answer to what it never saw. */
export const answers = ({ kernel, inInterface, outInterface, fate, before, after, isTracked }: Passage, choose: Choose): boolean => {
  if (!asks(after)) return true
  const reply = turned(after)
  const ct: CtState = isTracked ? 'ESTABLISHED' : startsAnywhere.has(reply.protocol) ? 'NEW' : 'INVALID'
  const flight = { ...flightOf(kernel, reply, fate === 'delivered' ? undefined : outInterface, choose, ct), outInterface: inInterface }
  const wasTranslated = before !== after && (!isSameIp(before.source, after.source) || !isSameIp(before.destination, after.destination))
  const through = (hook: Hook): boolean => {
    const passes = throughHook(kernel.tables, hook, flight) === 'accept'
    return passes && !(wasTranslated && flight.notrack)
  }
  if (fate === 'delivered') {
    if (inInterface === undefined) return true
    return through('output') && through('postrouting')
  }
  if (!through('prerouting')) return false
  if (isTracked) flight.header = { ...flight.header, ...partOf('destination', before.source, before.sourcePort) }
  return inInterface === undefined ? through('input') : through('forward') && through('postrouting')
}

const partOf = (side: 'destination', ip: Ip, port: number | undefined): Partial<Header> => ({
  [side]: ip,
  ...(port === undefined ? {} : { destinationPort: port }),
})

/** Whether a packet asks for an answer: everything with ports, and some of ICMP. */
const asks = ({ destinationPort, icmp }: Header): boolean => destinationPort !== undefined || (icmp !== undefined && icmpAnswers.has(icmp.type))

/** ICMP requests and their answers: echo, timestamp, information, address mask; ICMPv6 echo. */
const icmpAnswers: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
  [128, 129],
])

const turned = ({ source, destination, sourcePort, destinationPort, icmp, protocol }: Header): Header => ({
  source: destination,
  destination: source,
  protocol,
  ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
  ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
  ...(icmp === undefined ? {} : { icmp: { type: icmpAnswers.get(icmp.type) ?? icmp.type, code: icmp.code } }),
})
