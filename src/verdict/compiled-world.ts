import type { HostEndpoint } from '../calico/shapes.ts'
import type { IpPoolFacts, NodeFacts } from '../firewall/facts.ts'
import type { Address } from '../net/address.ts'
import { createAddressSets, type Membership } from './address-sets.ts'
import { createEndpointCompiler } from './host-endpoint.ts'
import { type Ip, ipOf, type NetMatcher, netMatcher } from './ip.ts'
import type { World } from './model.ts'
import { addressesOf, type CompiledNode, compileNode } from './node.ts'
import { createServiceTable, type ServiceTable } from './services.ts'

/** Whose an address is. */
export type Place =
  | { readonly kind: 'node'; readonly node: CompiledNode }
  /** An address one of these nodes holds. */
  | { readonly kind: 'floating'; readonly nodes: readonly CompiledNode[] }
  /** A pod; `node` is undefined where the cluster does not tell on which node it runs. */
  | { readonly kind: 'pod'; readonly node: CompiledNode | undefined }
  | { readonly kind: 'service' | 'loopback' | 'outside' }

/** An IPPool that tells quickly what it holds. */
export interface Pool extends IpPoolFacts {
  readonly holds: NetMatcher
}

/** A world prepared for many questions. Nodes are compiled when a packet first meets them. */
export interface CompiledWorld {
  readonly world: World
  readonly services: ServiceTable
  readonly nodes: () => readonly CompiledNode[]
  readonly node: (name: string) => CompiledNode | undefined
  /** Absent where the world tells no IPPools. */
  readonly pools: readonly Pool[] | undefined
  readonly ip: (address: Address) => Ip
  readonly place: (ip: Ip) => Place
}

/** Prepared addresses and their places are kept up to this many, so that a long-lived decider stays small. */
const keptAnswers = 100_000

/** Prepares a world. Selectors are resolved once each, HostEndpoints with the same labels and profiles once. */
export const compileWorld = (world: World): CompiledWorld => {
  const isPod = netMatcher(world.podCidrs)
  const compile = createEndpointCompiler(world.policies, world.tiers, { addressSet: memoizedSets(world, isPod), services: world.services })
  const endpoints = groupByNode(world.hostEndpoints)
  const facts = new Map(world.nodes.map((node) => [node.name, node]))
  const compiled = new Map<string, CompiledNode>()
  const node = (name: string): CompiledNode | undefined => {
    const known = compiled.get(name)
    const fact = known === undefined ? facts.get(name) : undefined
    if (fact === undefined) return known
    const made = compileNode(fact, endpoints.get(name) ?? [], world.failsafes[name], compile)
    compiled.set(name, made)
    return made
  }
  const services = createServiceTable(world)
  const nodes = () => world.nodes.flatMap(({ name }) => node(name) ?? [])
  const ip = memoized(ipOf)
  const pools = world.ipPools?.map((pool) => ({ ...pool, holds: netMatcher([pool.cidr]) }))
  return { world, services, nodes, node, pools, ip, place: memoized(createPlaces(world, services, node, isPod)) }
}

const memoizedSets = (world: World, isPod: NetMatcher) => {
  const resolve = createAddressSets(world, isPod)
  const known = new Map<string, Membership>()
  return (selector: Parameters<typeof resolve>[0]): Membership => {
    const key = JSON.stringify(selector, (_, value: unknown) => (value instanceof Set ? [...value].sort() : value))
    const set = known.get(key) ?? resolve(selector)
    known.set(key, set)
    return set
  }
}

/** Answers kept by key; all forgotten when there are too many. */
const memoized = <K, V>(compute: (key: K) => V): ((key: K) => V) => {
  const known = new Map<K, V>()
  return (key) => {
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= keptAnswers) known.clear()
    const made = compute(key)
    known.set(key, made)
    return made
  }
}

const groupByNode = (endpoints: readonly HostEndpoint[]): Map<string, HostEndpoint[]> => {
  const groups = new Map<string, HostEndpoint[]>()
  for (const endpoint of endpoints) groups.set(endpoint.spec.node, [...(groups.get(endpoint.spec.node) ?? []), endpoint])
  return groups
}

const createPlaces = (
  world: World,
  services: ServiceTable,
  node: (name: string) => CompiledNode | undefined,
  isPod: NetMatcher,
): ((ip: Ip) => Place) => {
  const owners = new Map<Address, string>()
  for (const fact of world.nodes) for (const address of addressesOf(fact)) owners.set(address, fact.name)
  const floating = new Map((world.floating ?? []).map(({ address, nodes }) => [address, nodes]))
  const podNode = podNodes(world.nodes)
  return (ip) => {
    const owner = node(owners.get(ip.text) ?? '')
    if (owner !== undefined) return { kind: 'node', node: owner }
    const holders = floating.get(ip.text)
    if (holders !== undefined) return { kind: 'floating', nodes: holders.flatMap((name) => node(name) ?? []) }
    if (ip.loopback) return { kind: 'loopback' }
    const runsOn = services.nodeOf(ip.text)
    if (runsOn !== undefined || isPod(ip)) return { kind: 'pod', node: node(runsOn ?? podNode(ip) ?? '') }
    return { kind: services.at(ip.text).length > 0 ? 'service' : 'outside' }
  }
}

/** The node whose podCIDR holds an address. */
const podNodes = (nodes: readonly NodeFacts[]): ((ip: Ip) => string | undefined) => {
  const known = new Map<Address, string | undefined>()
  const owners = nodes.map(({ name, podCidrs }) => ({ name, holds: netMatcher(podCidrs) }))
  return (ip) => {
    if (!known.has(ip.text)) known.set(ip.text, owners.find(({ holds }) => holds(ip))?.name)
    return known.get(ip.text)
  }
}
