import type { HostEndpoint } from '../calico/shapes.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import { type AddressBook, createAddressBook } from './address-book.ts'
import { createAddressSets } from './address-sets.ts'
import { type Carriers, carriersOf, type Pool } from './carriers.ts'
import { createEndpointCompiler } from './host-endpoint.ts'
import { createHostPorts, type HostPorts } from './host-ports.ts'
import { type Ip, type NetMatcher, netMatcher } from './ip.ts'
import { looksAtEndpoints } from './looks-at-endpoints.ts'
import type { World } from './model.ts'
import { addressesOf, type CompiledNode, compileNode } from './node.ts'
import type { Outcome } from './outcome.ts'
import { createNamedPorts, createRuleServices } from './rule-ports.ts'
import { createServiceTable, type ServiceTable } from './services.ts'

/** Whose an address is. */
export type Place =
  | { readonly kind: 'node'; readonly node: CompiledNode }
  /** An address one of these nodes holds. */
  | { readonly kind: 'floating'; readonly nodes: readonly CompiledNode[] }
  /** A pod; `node` is undefined where the cluster does not tell on which node it runs. */
  | { readonly kind: 'pod'; readonly node: CompiledNode | undefined; readonly carriers: Carriers }
  /** `link` is multicast and link-local: whoever listens on the link. */
  | { readonly kind: 'service' | 'loopback' | 'link' | 'outside' }

/** A world prepared for many questions. Nodes are compiled when a packet first meets them. */
export interface CompiledWorld {
  readonly world: World
  readonly book: AddressBook
  readonly services: ServiceTable
  readonly hostPorts: HostPorts
  readonly nodes: () => readonly CompiledNode[]
  readonly node: (name: string) => CompiledNode | undefined
  readonly vxlanPort: number
  /** Absent where the world tells no IPPools. */
  readonly pools: readonly Pool[] | undefined
  readonly place: (ip: Ip) => Place
  /** Whether kube-proxy counts an address as one of the cluster's; absent where its cluster CIDR is not told. */
  readonly isClusterSource: NetMatcher | undefined
  /** What becomes of a tunnel, judged when it is first asked for. */
  readonly tunnelled: (from: CompiledNode, to: CompiledNode, which: number, judge: () => Outcome) => Outcome
  /** Whether an address is in the Node status of some node: between those Felix lets its tunnels pass. */
  readonly isTunnelEnd: (ip: Ip) => boolean
}

/** Felix's own default. */
const usualVxlanPort = 4789

/** Places are kept up to this many, so that a long-lived decider stays small. */
const keptPlaces = 50_000

/** Prepares a world. Selectors are resolved once each, HostEndpoints with the same labels and profiles once. */
export const compileWorld = (world: World, book: AddressBook = createAddressBook()): CompiledWorld => {
  const isPod = book.shared(world.podCidrs, 'pods', () => netMatcher(world.podCidrs))
  const compiler = () =>
    createEndpointCompiler(world.policies, world.tiers, {
      book,
      dataplane: world.dataplane,
      addressSet: createAddressSets(world, isPod, book),
      service: createRuleServices(world.services, book),
      namedPort: createNamedPorts(world.hostEndpoints, isPod),
    })
  // Worlds that differ only in HostEndpoints no rule looks at share what their policies mean.
  const meaning = [world.tiers, world.networkSets, world.services, world.podCidrs].map(book.number).join(' ')
  const compile = looksAtEndpoints(world, book) ? compiler() : book.shared(world.policies, `compiled ${meaning} ${world.dataplane}`, compiler)
  const endpoints = groupByNode(world.hostEndpoints)
  const { facts, ends, owners, podNode } = book.shared(world.nodes, 'nodes', () => indexNodes(world.nodes))
  const compiled = new Map<string, CompiledNode>()
  const node = (name: string): CompiledNode | undefined => {
    const known = compiled.get(name)
    const fact = known === undefined ? facts.get(name) : undefined
    if (fact === undefined) return known
    const made = compileNode(fact, endpoints.get(name) ?? [], world.failsafes[name], compile, book)
    compiled.set(name, made)
    return made
  }
  const services = book.shared(world.services, 'table', () => createServiceTable(world, book))
  let all: readonly CompiledNode[] | undefined
  const nodes = () => {
    all ??= world.nodes.flatMap(({ name }) => node(name) ?? [])
    return all
  }
  const pools = world.ipPools?.map((pool) => ({ ...pool, holds: netMatcher([pool.cidr]) }))
  return {
    ...{ world, book, services, nodes, node },
    vxlanPort: world.felix?.vxlanPort ?? usualVxlanPort,
    hostPorts: createHostPorts(world.hostPorts ?? []),
    pools,
    isClusterSource: world.clusterCidrs && netMatcher(world.clusterCidrs),
    place: kept(createPlaces({ world, services, node, isPod, pools, owners, podNode })),
    tunnelled: onceForEach(),
    isTunnelEnd: ({ text }) => ends.has(text),
  }
}

const onceForEach = (): CompiledWorld['tunnelled'] => {
  const known = new WeakMap<CompiledNode, WeakMap<CompiledNode, Map<number, Outcome>>>()
  return (from, to, which, judge) => {
    const towards = known.get(from) ?? new WeakMap<CompiledNode, Map<number, Outcome>>()
    known.set(from, towards)
    const kinds = towards.get(to) ?? new Map<number, Outcome>()
    towards.set(to, kinds)
    const found = kinds.get(which)
    if (found !== undefined) return found
    const made = judge()
    kinds.set(which, made)
    return made
  }
}

/** Answers kept by address; all forgotten when there are too many. */
const kept = (compute: (ip: Ip) => Place): ((ip: Ip) => Place) => {
  let known = new Map<Ip, Place>()
  return (ip) => {
    const found = known.get(ip)
    if (found !== undefined) return found
    if (known.size >= keptPlaces) known = new Map()
    const made = compute(ip)
    known.set(ip, made)
    return made
  }
}

const groupByNode = (endpoints: readonly HostEndpoint[]): Map<string, HostEndpoint[]> => {
  const groups = new Map<string, HostEndpoint[]>()
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.spec.node)
    if (group === undefined) groups.set(endpoint.spec.node, [endpoint])
    else group.push(endpoint)
  }
  return groups
}

/** What the nodes alone tell, whatever is in force on them. */
const indexNodes = (nodes: readonly NodeFacts[]) => {
  const owners = new Map<Address, string>()
  for (const fact of nodes) for (const address of addressesOf(fact)) owners.set(address, fact.name)
  return {
    facts: new Map(nodes.map((node) => [node.name, node])),
    /** Addresses in the Node status: Felix's tunnels run between these. */
    ends: new Set(nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address))),
    owners,
    podNode: podNodes(nodes),
  }
}

interface Whereabouts extends Pick<ReturnType<typeof indexNodes>, 'owners' | 'podNode'> {
  readonly world: World
  readonly services: ServiceTable
  readonly node: (name: string) => CompiledNode | undefined
  readonly isPod: NetMatcher
  readonly pools: readonly Pool[] | undefined
}

const createPlaces = ({ world, services, node, isPod, pools, owners, podNode }: Whereabouts): ((ip: Ip) => Place) => {
  const floating = new Map((world.floating ?? []).map(({ address, nodes }) => [address, nodes]))
  return (ip) => {
    const owner = node(owners.get(ip.text) ?? '')
    if (owner !== undefined) return { kind: 'node', node: owner }
    const holders = floating.get(ip.text)
    if (holders !== undefined) return { kind: 'floating', nodes: holders.flatMap((name) => node(name) ?? []) }
    if (ip.loopback) return { kind: 'loopback' }
    if (ip.onLink) return { kind: 'link' }
    const runsOn = services.nodeOf(ip.text)
    if (runsOn !== undefined || isPod(ip))
      return {
        kind: 'pod',
        node: node(runsOn ?? podNode(ip) ?? ''),
        carriers: carriersOf(pools, ip, { vxlan: world.felix?.vxlanPort ?? usualVxlanPort, wireguard: world.felix?.wireguard[ip.family] }),
      }
    return { kind: services.at(ip.text).length > 0 ? 'service' : 'outside' }
  }
}

/** The node whose podCIDR holds an address. */
const podNodes = (nodes: readonly NodeFacts[]): ((ip: Ip) => string | undefined) => {
  const owners = nodes.map(({ name, podCidrs }) => ({ name, holds: netMatcher(podCidrs) }))
  return (ip) => owners.find(({ holds }) => holds(ip))?.name
}
