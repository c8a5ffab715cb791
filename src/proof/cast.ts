import type { KubeObject } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import type { Facts, NodeFacts, ServiceFacts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { familyOf } from '../net/address.ts'
import type { Change } from './change.ts'
import { type Kinds, kindsOf } from './kinds.ts'
import { podOf } from './pod-address.ts'
import { relevantServices } from './relevant-services.ts'
import { isHostEndpoint } from './world-edits.ts'

/** The nodes a proof asks about, and the cluster without all others. */
export interface Cast {
  readonly facts: Facts
  readonly firewall: HostFirewall
  /** Whether an object is still in it: HostEndpoints go with their nodes. */
  readonly keeps: (object: KubeObject) => boolean
  /** Nodes of the whole cluster, and kinds among them. */
  readonly nodes: number
  readonly kinds: number
  /** One or two of each kind: the earliest and the latest to be closed. */
  readonly callers: readonly NodeFacts[]
  /** Pairs that stand for every pair of nodes: of each two kinds, one that closes before the other and one that closes after it. */
  readonly pairs: readonly (readonly [NodeFacts, NodeFacts])[]
}

/** Up to this many nodes each is asked about, and each pair of them. */
const few = 16

/**
 * Chooses the nodes that stand for all. A verdict on two nodes depends on their kinds and on which of them has its HostEndpoints already, so
 * that of each kind the first and the last to be closed, two each, show everything a rollout can do to any pair. Clusters of up to `all`
 * nodes are asked about in full.
 */
export const castOf = (facts: Facts, change: Change, all: number = few): Cast => {
  const kinds = kindsOf(facts, change)
  const count = new Set(kinds.of.values()).size
  if (facts.nodes.length <= all) {
    const pairs = facts.nodes.flatMap((one) => facts.nodes.filter((other) => other !== one).map((other) => [one, other] as const))
    return { facts, firewall: change.firewall, keeps: () => true, nodes: facts.nodes.length, kinds: count, callers: facts.nodes, pairs }
  }
  const batchOf = new Map(change.batches.flatMap(({ nodes }, batch) => nodes.map((name) => [name, batch])))
  const members = new Map<string, NodeFacts[]>()
  for (const node of facts.nodes) {
    const kind = kinds.of.get(node.name) ?? ''
    const group = members.get(kind)
    if (group === undefined) members.set(kind, [node])
    else group.push(node)
  }
  const ends = new Map([...members].map(([kind, group]) => [kind, endsOf(group, batchOf, kinds.seenAs.get(group[0]?.name ?? '') ?? '')]))
  const groups = [...ends.values()]
  const stands = standsOf(groups)
  const services = fewEndpoints(facts, change, kinds, ends, stands)
  const kept = new Set([
    ...groups.flatMap((group) => (stands.has(group) ? [...group.early, ...group.late] : endsAlone(group))).map(({ name }) => name),
    ...services.nodes,
    ...facts.nodes.filter(({ controlPlane }) => controlPlane).map(({ name }) => name),
  ])
  const callers = new Set(groups.flatMap(endsAlone))
  return {
    ...without(facts, kept, services.services),
    firewall: change.firewall,
    nodes: facts.nodes.length,
    kinds: count,
    callers: [...callers],
    pairs: pairsOf(groups, stands),
  }
}

interface Ends {
  readonly early: readonly NodeFacts[]
  readonly late: readonly NodeFacts[]
  /** Their batches. */
  readonly from: number
  readonly to: number
  readonly seenAs: string
}

const endsAlone = ({ early, late }: Ends): NodeFacts[] => [...early.slice(0, 1), ...late.slice(0, 1)]

/** Two of a kind from the first batch that closes any of it, and two from the last. */
const endsOf = (group: readonly NodeFacts[], batchOf: ReadonlyMap<string, number>, seenAs: string): Ends => {
  const batch = ({ name }: NodeFacts) => batchOf.get(name) ?? -1
  const numbers = group.map(batch)
  const [first, last] = [numbers.reduce((least, one) => Math.min(least, one)), numbers.reduce((most, one) => Math.max(most, one))]
  const two = (of: number) => group.filter((node) => batch(node) === of).slice(0, 2)
  return { early: two(first), late: two(last), from: first, to: last, seenAs }
}

/** Of the kinds that are seen alike, the one that begins to close first and the one that ends last: these stand for all as the other node of a pair. */
const standsOf = (groups: readonly Ends[]): ReadonlySet<Ends> => {
  const alike = new Map<string, Ends[]>()
  for (const group of groups) alike.set(group.seenAs, [...(alike.get(group.seenAs) ?? []), group])
  return new Set(
    [...alike.values()].flatMap((own) => [
      own.reduce((one, other) => (other.from < one.from ? other : one)),
      own.reduce((one, other) => (other.to > one.to ? other : one)),
    ]),
  )
}

const pairsOf = (groups: readonly Ends[], stands: ReadonlySet<Ends>): (readonly [NodeFacts, NodeFacts])[] => {
  const pairs = new Map<string, readonly [NodeFacts, NodeFacts]>()
  const add = (from: readonly NodeFacts[], to: readonly NodeFacts[]) => {
    const pair = from.flatMap((one) => to.filter((other) => other !== one).map((other) => [one, other] as const))[0]
    if (pair !== undefined) pairs.set(`${pair[0].name} ${pair[1].name}`, pair)
  }
  for (const one of groups) {
    for (const other of groups) {
      if (!stands.has(one) && !stands.has(other)) continue
      add(one.early, other.late)
      add(one.late, other.early)
    }
  }
  return [...pairs.values()]
}

type Endpoint = ServiceFacts['endpoints'][number]

/**
 * Of the Services lifelines dial, an endpoint on a node of each kind that runs any: its last to close, before which others close, and after
 * which control-plane nodes do. An endpoint may move there: nothing a verdict looks at tells its address from the one it gets. Where something
 * does, it stays, and its node with it.
 */
const fewEndpoints = (facts: Facts, { firewall }: Change, { of, classOf }: Kinds, ends: ReadonlyMap<string, Ends>, stands: ReadonlySet<Ends>) => {
  const owners = new Map(facts.nodes.flatMap((node) => addressesOf(node).map((address, at) => [address, { node: node.name, at }])))
  const nodes = new Set<string>()
  const services = new Map<ServiceFacts, ServiceFacts>()
  for (const service of relevantServices(facts, firewall)) {
    const kept = new Map<string, Endpoint>()
    for (const endpoint of service.endpoints) {
      const { address, ports } = endpoint
      const owner = owners.get(address)
      const home = endpoint.node ?? owner?.node
      const kind = of.get(home ?? '')
      if (home === undefined || kind === undefined) {
        kept.set(JSON.stringify(endpoint), endpoint)
        continue
      }
      const group = ends.get(kind)
      const alone = group === undefined ? [] : endsAlone(group)
      for (const stand of new Set(group !== undefined && stands.has(group) ? alone : alone.slice(-1))) {
        const moved = owner === undefined ? podOf(stand).find((pod) => familyOf(pod) === familyOf(address)) : addressesOf(stand)[owner.at]
        const isSame = moved !== undefined && classOf(moved) === classOf(address)
        const node = isSame ? stand.name : home
        const key = JSON.stringify([kind, isSame ? node : '', owner?.at, classOf(address), familyOf(address), ports])
        if (kept.has(key)) continue
        kept.set(key, isSame ? { address: moved, node, ports } : endpoint)
        nodes.add(node)
      }
    }
    services.set(service, { ...service, endpoints: [...kept.values()] })
  }
  return { nodes, services }
}

/** The cluster with only these nodes; a HostEndpoint that expects one of their addresses stays, for selectors find it. */
const without = (facts: Facts, kept: ReadonlySet<string>, services: ReadonlyMap<ServiceFacts, ServiceFacts>): Pick<Cast, 'facts' | 'keeps'> => {
  const nodes = facts.nodes.filter(({ name }) => kept.has(name))
  const addresses = new Set<string>(nodes.flatMap(addressesOf))
  const stays = ({ spec }: HostEndpoint) => kept.has(spec.node) || (spec.expectedIPs ?? []).some((ip) => addresses.has(ip))
  const endpointStays = ({ address, node }: ServiceFacts['endpoints'][number]) => addresses.has(address) || (node !== undefined && kept.has(node))
  return {
    facts: {
      ...facts,
      nodes,
      hostEndpoints: facts.hostEndpoints.filter(stays),
      failsafes: Object.fromEntries(Object.entries(facts.failsafes).filter(([name]) => kept.has(name))),
      services: facts.services.map((service) => services.get(service) ?? { ...service, endpoints: service.endpoints.filter(endpointStays) }),
    },
    keeps: (object) => !isHostEndpoint(object) || stays(object),
  }
}
