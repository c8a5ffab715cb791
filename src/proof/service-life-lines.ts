import type { Facts, NodeFacts, ServiceFacts } from '../firewall/facts/facts.ts'
import type { AllowEntry, EgressEntry } from '../firewall/file/host-firewall.ts'
import { type Address, parseAddress } from '../net/address.ts'
import { type Cidr, partsOf } from '../net/cidr.ts'
import { type PortRange, type Protocol, protocolInWords } from '../net/port.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet, trustPods } from './life-line.ts'
import { podOf } from './pod-address.ts'
import { dnsServices } from './relevant-services.ts'

/** Stands for everybody outside: documentation networks (RFC 5737, RFC 3849) are nobody's. */
const outsiders = ['203.0.113.1', '2001:db8:ffff::1'].map(parseAddress)

/** DNS over both transports, what nodes and pods fetch from outside, what the file opens, and the health checks of balancers it opens to. */
export const serviceLifeLines = (cast: Cast): LifeLine[] => [
  ...toDns(cast),
  ...toOutside(cast),
  ...cast.firewall.spec.allow.flatMap((entry) => [...openings(entry, cast), ...healthChecks(entry, cast)]),
  ...(cast.firewall.spec.egress ?? []).flatMap((entry) => lettingOut(entry, cast)),
]

const toDns = ({ facts, callers }: Cast): LifeLine[] =>
  dnsServices(facts).flatMap((service) =>
    service.clusterIPs.flatMap((address) =>
      service.ports
        .filter(({ port }) => port === 53)
        .flatMap(({ protocol, port }) =>
          callers.flatMap((node) =>
            meet([...internal(node), ...podOf(node)], [address]).map(([source, destination]) => ({
              title: `${internal(node).includes(source) ? 'node' : 'a pod on'} ${node.name} -> DNS at ${destination}:${port}/${protocol.toLowerCase()}`,
              connection: { source, destination, protocol, port },
              why: protocol === 'TCP' ? 'long answers come over TCP' : 'names are looked up this way',
              remedy: trustPods,
              nodes: [],
            })),
          ),
        ),
    ),
  )

const outward = [
  { protocol: 'UDP', port: 53, what: 'a resolver outside (53/udp)', why: 'the API’s own name may be looked up there' },
  { protocol: 'TCP', port: 53, what: 'a resolver outside (53/tcp)', why: 'long answers come over TCP, which is no failsafe' },
  { protocol: 'UDP', port: 123, what: 'a time server (123/udp)', why: 'certificates and Leases need the right time' },
  { protocol: 'TCP', port: 443, what: 'a registry outside (443/tcp)', why: 'images are pulled from there' },
] as const

const timeServers = ({ components }: Facts): readonly Address[] => components?.timeServers ?? []

/** Where the file limits what nodes send, strangers are reached by pods alone; the time servers in use by nodes too. */
const toOutside = ({ facts, callers, firewall }: Cast): LifeLine[] => {
  const isLimited = firewall.spec.egress !== undefined
  const strangers = (node: NodeFacts) => meet([...(isLimited ? [] : internal(node)), ...podOf(node)], outsiders)
  const clocks = (node: NodeFacts) => meet([...internal(node), ...podOf(node)], timeServers(facts))
  return callers.flatMap((node) =>
    outward.flatMap(({ what, why, ...kind }) =>
      [...strangers(node), ...(kind.port === 123 ? clocks(node) : [])].map(([source, destination]) => ({
        title: `${internal(node).includes(source) ? 'node' : 'a pod on'} ${node.name} -> ${what}${isStranger(destination) ? '' : ` at ${destination}`}`,
        connection: { source, destination, ...kind },
        why,
        remedy: 'let no policy of somebody else that selects the HostEndpoints govern egress',
        nodes: [node.name],
      })),
    ),
  )
}

const isStranger = (address: Address): boolean => outsiders.includes(address)

/** What an entry lets out leaves every node. */
const lettingOut = (entry: EgressEntry, { callers }: Cast): LifeLine[] =>
  callers.flatMap((node) =>
    meet(internal(node), entry.to.nets.map(firstOf)).flatMap(([source, destination]) =>
      entry.traffic.flatMap(({ protocol, ports }) =>
        dialledBy(protocol, ports).map((port) => ({
          title: `egress entry ${entry.name}: node ${node.name} -> ${destination}${port === undefined ? ', ' : `:${port}/`}${protocolInWords(protocol)}`,
          connection: { source, destination, protocol, ...(port === undefined ? {} : { port }) },
          why: 'the file lets it out',
          remedy: `look at entry ${entry.name} of spec.egress: its policy must come before every Deny`,
          nodes: [node.name],
        })),
      ),
    ),
  )

const firstOf = (cidr: Cidr): Address => partsOf(cidr).address

/** Whom an entry names: the first address of each network stands for it, strangers and the operator for everybody. */
const sourcesOf = ({ from }: AllowEntry, { facts }: Cast): Address[] => from?.nets.map(firstOf) ?? [...outsiders, ...facts.operatorAddresses]

/** What an entry of the file opens must stay open for whom it names: its first address and each range's first port stand for the rest. */
const openings = (entry: AllowEntry, cast: Cast): LifeLine[] => {
  const { name, to, traffic } = entry
  const targets = 'nodes' in to ? cast.facts.nodes.flatMap(internal) : to.nets.map(firstOf)
  return targets.flatMap((address) =>
    meet(sourcesOf(entry, cast), [address]).flatMap(([source, destination]) =>
      traffic.flatMap(({ protocol, ports }) =>
        dialledBy(protocol, ports).map((port) => ({
          title: `allow entry ${name}: ${source} -> ${destination}${port === undefined ? ', ' : `:${port}/`}${protocolInWords(protocol)}`,
          connection: { source, destination, protocol, ...(port === undefined ? {} : { port }) },
          why: 'the file opens it',
          remedy: `look at entry ${name} of spec.allow: its policy must come before every Deny`,
          // A NodePort leads to pods of any node.
          nodes: [],
        })),
      ),
    ),
  )
}

/** Each range's first port, port 1 for all of them; none where the protocol has none. */
const dialledBy = (protocol: Protocol, ports: readonly PortRange[]): (number | undefined)[] => {
  if (typeof protocol === 'number') return [undefined]
  return ports.length === 0 ? [1] : ports.map(({ first }) => first)
}

/** A balancer that is let to a NodePort under externalTrafficPolicy Local asks the healthCheckNodePort which nodes to use; kept out, it uses none. */
const healthChecks = (entry: AllowEntry, cast: Cast): LifeLine[] => {
  if (!('nodes' in entry.to)) return []
  const checked = cast.facts.services.filter((service) => service.healthCheckNodePort !== undefined && opensNodePort(entry, service))
  return checked.flatMap(({ namespace, name, healthCheckNodePort: port = 0 }) =>
    cast.facts.nodes.flatMap((node) =>
      meet(sourcesOf(entry, cast), internal(node)).map(([source, destination]) => ({
        title: `health check of Service ${namespace}/${name}: ${source} -> ${destination}:${port}/tcp`,
        connection: { source, destination, protocol: 'TCP' as const, port },
        why: `entry ${entry.name} lets a balancer to its NodePort, and the balancer asks this port which nodes it may use`,
        remedy: `add ${port} to the ports of entry ${entry.name} of spec.allow`,
        nodes: [node.name],
      })),
    ),
  )
}

const opensNodePort = ({ traffic }: AllowEntry, service: ServiceFacts): boolean =>
  service.ports.some(({ protocol, nodePort }) =>
    traffic.some((one) => nodePort !== undefined && one.protocol === protocol && (one.ports.length === 0 || one.ports.some(holds(nodePort)))),
  )

const holds =
  (port: number) =>
  ({ first, last }: PortRange): boolean =>
    first <= port && port <= last
