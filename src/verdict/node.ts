import type { FailsafePort, HostEndpoint } from '../calico/shapes.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import type { AddressBook } from './address-book.ts'
import type { CompiledEndpoint } from './host-endpoint.ts'
import type { Ip } from './ip.ts'
import type { World } from './model.ts'
import { type Packet, protocolNumber } from './packet.ts'

/** One interface of a node with the policies in force on it. */
export interface Nic {
  readonly name: string
  readonly endpoint: CompiledEndpoint | undefined
  /** Not always `endpoint`: preDNAT chains are dispatched over HostEndpoints that have preDNAT policy, so `*` steps in where the named one has none. */
  readonly preDnat: CompiledEndpoint | undefined
  /** Felix ignores doNotTrack policy on `*`. */
  readonly untracked: CompiledEndpoint | undefined
}

/** Whether a failsafe list lets a packet pass; inbound by its source, outbound by its destination. */
type Failsafes = (packet: Packet) => boolean

/** A node made ready for packets. */
export interface CompiledNode {
  readonly name: string
  readonly addresses: ReadonlySet<Address>
  /** The address other hosts see for traffic the node masquerades, by family. */
  readonly primary: Readonly<Record<4 | 6, Ip | undefined>>
  /** Interfaces that differ in policy: the ones a packet may use when its address does not say. */
  readonly nics: readonly Nic[]
  /** The interfaces an address of the node may be on: one where that is known. */
  readonly nicsOf: (address: Address) => readonly Nic[]
  /** The HostEndpoint with interfaceName `*`, in force on every interface without its own, loopback and pods' included. */
  readonly wildcard: CompiledEndpoint | undefined
  /** Whether doNotTrack policy is in force on any of its interfaces. */
  readonly untracks: boolean
  readonly inbound: Failsafes
  readonly outbound: Failsafes
}

/** Every address known to be the node's, in the order of the Node status. */
export const addressesOf = ({ addresses, otherAddresses, interfaces }: NodeFacts): Address[] => [
  ...new Set([
    ...addresses.map(({ address }) => address),
    ...otherAddresses.map(({ address }) => address),
    ...interfaces.flatMap((nic) => nic.addresses),
  ]),
]

/**
 * Finds out which HostEndpoint wins each interface: of those that name it, or name none and expect an address on it, the one with the
 * alphabetically smallest name; `*` where none does (felix/dataplane/linux/endpoint_mgr.go `resolveHostEndpoints`).
 */
export const compileNode = (
  node: NodeFacts,
  endpoints: readonly HostEndpoint[],
  failsafes: World['failsafes'][string] | undefined,
  compile: (endpoint: HostEndpoint) => CompiledEndpoint,
  book: AddressBook,
): CompiledNode => {
  const own = [...endpoints].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
  const star = own.find(({ spec }) => spec.interfaceName === '*')
  const wildcard = star && compile(star)
  const nicOf = (name: string, winner: HostEndpoint | undefined): Nic => {
    const named = winner && compile(winner)
    return {
      name,
      endpoint: named ?? wildcard,
      preDnat: [named, wildcard].find((endpoint) => endpoint?.preDnat !== undefined),
      untracked: named?.untrackedIngress === undefined && named?.untrackedEgress === undefined ? undefined : named,
    }
  }
  const placed = new Map<Address, Nic[]>()
  const nics: Nic[] = []
  for (const { name, addresses } of interfacesOf(node, own)) {
    const held = new Set<string>(addresses)
    const nic = nicOf(
      name,
      own.find(({ spec }) => (spec.interfaceName ? spec.interfaceName === name : spec.expectedIPs?.some((ip) => held.has(ip)))),
    )
    for (const address of addresses) placed.set(address, [nic])
    nics.push(nic)
  }
  const unseen = node.interfaces.length === 0 ? [nicOf('an interface the cluster does not tell', undefined)] : []
  const entrances = distinct(nics.length === 0 ? unseen : [...nics, ...(own.length > 0 ? unseen : [])])
  const elsewhere = distinct([...nics, nicOf('an interface the cluster does not tell', undefined)])
  return {
    name: node.name,
    addresses: new Set(addressesOf(node)),
    primary: { 4: primaryOf(node, 4, book), 6: primaryOf(node, 6, book) },
    nics: entrances,
    nicsOf: (address) => placed.get(address) ?? elsewhere,
    wildcard,
    untracks: nics.some(({ untracked }) => untracked !== undefined),
    inbound: failsafeMatcher(failsafes?.inbound.ports ?? [], ({ source }) => source, book),
    outbound: failsafeMatcher(failsafes?.outbound.ports ?? [], ({ destination }) => destination, book),
  }
}

/** The interfaces discovery saw, and those a HostEndpoint names: discovery leaves some kinds out. Those get the addresses it expects that are nowhere else. */
const interfacesOf = (node: NodeFacts, endpoints: readonly HostEndpoint[]): { readonly name: string; readonly addresses: readonly Address[] }[] => {
  const seen = new Set(node.interfaces.map(({ name }) => name))
  const placed = new Set<string>(node.interfaces.flatMap(({ addresses }) => addresses))
  const own = addressesOf(node)
  const named = endpoints.filter(({ spec }) => spec.interfaceName && spec.interfaceName !== '*' && !seen.has(spec.interfaceName))
  return [
    ...node.interfaces,
    ...named.map(({ spec }) => ({
      name: spec.interfaceName ?? '',
      addresses: own.filter((address) => !placed.has(address) && spec.expectedIPs?.includes(address)),
    })),
  ]
}

/** One interface per set of policies: a packet fares the same on all that share it. */
const distinct = (nics: readonly Nic[]): Nic[] =>
  nics.filter((nic, at) => nics.findIndex(({ endpoint, preDnat }) => endpoint === nic.endpoint && preDnat === nic.preDnat) === at)

const primaryOf = ({ addresses }: NodeFacts, family: 4 | 6, book: AddressBook): Ip | undefined =>
  addresses
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => book.ip(address))
    .find((ip) => ip.family === family)

/** By port first: most packets go to a port no failsafe names. */
const failsafeMatcher = (list: readonly FailsafePort[], remote: (packet: Packet) => Ip, book: AddressBook): Failsafes => {
  const byPort = new Map<number, ((ip: Ip) => boolean)[]>()
  for (const { protocol, port, net } of list) {
    const key = (protocolNumber(protocol) ?? 0) * 65536 + port
    byPort.set(key, [...(byPort.get(key) ?? []), net ? book.nets([net]) : () => true])
  }
  return (packet) => packet.port !== undefined && (byPort.get(packet.protocol * 65536 + packet.port)?.some((holds) => holds(remote(packet))) ?? false)
}

/** An interface that carries no HostEndpoint of its own, as loopback and pods': only `*` is in force on it. */
export const wildcardNic = (name: string, { wildcard }: CompiledNode): Nic => ({
  name,
  endpoint: wildcard,
  preDnat: wildcard?.preDnat && wildcard,
  untracked: undefined,
})
