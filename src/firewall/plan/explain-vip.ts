import type { FailsafePort } from '../../calico/shapes.ts'
import { type Address, familyOf } from '../../net/address.ts'
import { type Cidr, contains, covers, isHostCidr, networkOf, partsOf } from '../../net/cidr.ts'
import { formatPortRange, type PortRange, type Protocol, protocolInWords } from '../../net/port.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import type { AllowEntry, HostFirewall, Traffic } from '../file/host-firewall.ts'
import { addressesOf } from '../objects/network-sets.ts'
import { sortedFailsafes, sourcesInWords } from './differences.ts'
import { opens } from './failsafe-change.ts'

/** Something worth knowing about one more opening. None refuses it. */
export interface Explanation {
  readonly kind: 'no-firewall' | 'open-already' | 'failsafe' | 'trusted-sources' | 'pod-address' | 'outside'
  readonly text: string
}

/** What explanations are made from. */
export interface ExplainInput {
  readonly facts: Facts
  readonly entry: AllowEntry
  readonly existing: HostFirewall
  /** Inbound failsafes in force today. */
  readonly failsafes: readonly FailsafePort[]
  readonly nodeAddresses: ReadonlySet<Address>
  readonly trusted: readonly Cidr[]
  /** Whether a firewall is committed. */
  readonly standing: boolean
}

/** What there is to say about an opening before it is made: it may be open already, can not narrow a failsafe, or leads nowhere. */
export const explainVip = (input: ExplainInput): Explanation[] => [
  ...say(
    !input.standing,
    'no-firewall',
    'No firewall is in force here, so the address is open now. The entry keeps it open once init has closed the nodes.',
  ),
  ...input.entry.traffic.flatMap((traffic) => [...openAlready(input, traffic), ...inFailsafes(input, traffic)]),
  ...trustedSources(input),
  ...destinations(input),
]

const say = (is: boolean, kind: Explanation['kind'], text: string): Explanation[] => (is ? [{ kind, text }] : [])

const openAlready = ({ entry, existing, nodeAddresses }: ExplainInput, { protocol, ports }: Traffic): Explanation[] => {
  const covering = coveringEntry(entry, existing, nodeAddresses, { protocol, ports })
  return covering === undefined
    ? []
    : say(true, 'open-already', `${inWords(protocol, ports)} is open already: allow entry ${covering.name} lets in ${sourcesInWords(covering)}.`)
}

const coveringEntry = (
  entry: AllowEntry,
  { spec }: HostFirewall,
  nodeAddresses: ReadonlySet<Address>,
  { protocol, ports }: Traffic,
): AllowEntry | undefined =>
  spec.allow.find(
    (other) =>
      other.name !== entry.name &&
      destinationCovers(other, entry, nodeAddresses) &&
      sourceCovers(other, entry) &&
      trafficCovers(other, protocol, ports),
  )

/** Whether a firewall has entries that let in all of this one already. */
export const isCovered = (entry: AllowEntry, firewall: HostFirewall, nodeAddresses: ReadonlySet<Address>): boolean =>
  entry.traffic.every((traffic) => coveringEntry(entry, firewall, nodeAddresses, traffic) !== undefined)

const destinationCovers = ({ to }: AllowEntry, { to: wanted }: AllowEntry, nodeAddresses: ReadonlySet<Address>): boolean => {
  if ('nodes' in wanted) return 'nodes' in to
  return wanted.nets.every((net) =>
    'nodes' in to ? isHostCidr(net) && nodeAddresses.has(partsOf(net).address) : to.nets.some((other) => covers(other, net)),
  )
}

const sourceCovers = ({ from }: AllowEntry, { from: wanted }: AllowEntry): boolean =>
  from === undefined || (wanted?.nets.every((net) => from.nets.some((other) => covers(other, net))) ?? false)

const trafficCovers = ({ traffic }: AllowEntry, protocol: Traffic['protocol'], ports: readonly PortRange[]): boolean => {
  const own = traffic.filter((one) => one.protocol === protocol)
  if (own.some((one) => one.ports.length === 0)) return true
  return (
    ports.length > 0 && ports.every(({ first, last }) => own.some((one) => one.ports.some((other) => other.first <= first && last <= other.last)))
  )
}

const inFailsafes = ({ failsafes, entry }: ExplainInput, { protocol, ports }: Traffic): Explanation[] => {
  const hit = failsafes.filter(
    (port) =>
      typeof protocol === 'string' &&
      opens([port], { ...port, protocol }) &&
      ports.some(({ first, last }) => first <= port.port && port.port <= last),
  )
  const narrow = entry.from === undefined ? '' : ` An entry can not narrow it to ${sourcesInWords(entry)}.`
  return say(
    hit.length > 0,
    'failsafe',
    `${sortedFailsafes(hit)} is open to everyone on every address of every node already: it is a failsafe.${narrow}`,
  )
}

const trustedSources = ({ entry, trusted, nodeAddresses }: ExplainInput): Explanation[] => {
  const isTrusted = (net: Cidr) => trusted.some((other) => covers(other, net)) || (isHostCidr(net) && nodeAddresses.has(partsOf(net).address))
  const all = entry.from?.nets.every(isTrusted) === true
  return say(all, 'trusted-sources', `${sourcesInWords(entry)} has full access already, as a node or trusted network.`)
}

const destinations = ({ entry, facts }: ExplainInput): Explanation[] => {
  const nets = 'nodes' in entry.to ? [] : entry.to.nets
  const known = new Set(facts.services.flatMap(({ loadBalancerIPs, externalIPs }) => [...loadBalancerIPs, ...externalIPs]))
  const internal = [...facts.podCidrs, ...facts.serviceCidrs]
  return nets.flatMap((net) => {
    const pods = internal.find((other) => covers(other, net))
    if (pods !== undefined)
      return say(true, 'pod-address', `${net} lies in ${pods}, the cluster's own network: this opens pods or Services, not a node or VIP.`)
    if (isHostCidr(net) && known.has(partsOf(net).address)) return []
    const networks = facts.nodes.flatMap(networksOf)
    return say(
      networks.length > 0 && !networks.some((other) => covers(other, net) || covers(net, other)),
      'outside',
      `${net} lies outside every known network of the nodes: packets to it reach them only if something routes them there.`,
    )
  })
}

/** The networks a node stands in; where no prefix length is known, the /24 or /64 around each of its addresses. */
const networksOf = (node: NodeFacts): Cidr[] => {
  const told = node.networks ?? []
  const guessed = addressesOf(node).filter((address) => !told.some((net) => contains(net, address)))
  return [...told, ...guessed.map((address) => networkOf(address, familyOf(address) === 4 ? 24 : 64))]
}

const inWords = (protocol: Protocol, ports: readonly PortRange[]): string =>
  ports.length === 0 ? `All ${protocolInWords(protocol)}` : ports.map((range) => `${formatPortRange(range)}/${protocolInWords(protocol)}`).join(', ')
