import type { Facts, ServiceFacts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import type { Address } from '../net/address.ts'
import { type AddressRange, contains } from '../net/cidr.ts'
import { headerSpace } from '../verdict/header-space.ts'
import type { World } from '../verdict/model.ts'
import { type PacketChange, packetChanges, type Scope } from '../verdict/packet-sets.ts'
import { trafficText } from '../verdict/traffic-text.ts'
import { worldOf } from '../verdict/world.ts'
import { castOf } from './cast.ts'
import { changeOf } from './change.ts'
import { kindsOf } from './kinds.ts'
import { committedWorld } from './plan-states.ts'

/** Packets that fare otherwise: every source to every destination, with any of this traffic. */
interface PlannedChange {
  readonly change: PacketChange['change']
  readonly sources: readonly AddressRange[]
  readonly destinations: readonly AddressRange[]
  /** `every TCP port but 22; UDP 53; ICMP`. */
  readonly traffic: string
}

/** Everything a plan opens and closes once it is kept, over all packets. */
export interface PlanPackets {
  readonly changes: readonly PlannedChange[]
  /** Nodes in the changes, with how many nodes fare like each, itself included. */
  readonly nodes: readonly { readonly name: string; readonly addresses: readonly Address[]; readonly like: number }[]
  /** Set where not every packet was asked about: what was left out. */
  readonly leftOut: string | undefined
}

/** So many questions take about a second on one core. */
const questions = 600_000
/** Services beyond these are not worth counting the questions for. */
const many = 200

/**
 * The exact packet sets between the cluster as it is and the plan kept: for every address clients can dial on nodes, pods and Services that are
 * reached from outside. One node of each kind stands for all of it, and where there are too many Services one of each shape stands for
 * those that are reached from outside; the result says so.
 */
export const planPackets = (facts: Facts, plan: Plan): PlanPackets => {
  const change = changeOf(plan)
  const cast = castOf(facts, change)
  const kinds = kindsOf(facts, change).of
  const counts = new Map<string, number>()
  for (const kind of kinds.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const isFew = cast.facts.nodes.length === facts.nodes.length
  const standing = isFew ? cast.facts.nodes : firstOfEach(cast.facts.nodes, ({ name }) => kinds.get(name))
  const nodes = standing.map((node) => ({
    name: node.name,
    addresses: addressesOf(node),
    like: isFew ? 1 : (counts.get(kinds.get(node.name) ?? '') ?? 1),
  }))
  const batches = plan.batches.map((batch) => ({ ...batch, hostEndpoints: batch.hostEndpoints.filter(cast.keeps) }))
  const worlds = (services: readonly ServiceFacts[]): [World, World] => {
    const given = { ...cast.facts, services }
    return [worldOf(given), committedWorld(given, { ...plan, batches })]
  }
  const hidden = new Set<string>(cast.facts.nodes.filter((node) => !standing.includes(node)).flatMap(addressesOf))
  const reached = cast.facts.services.filter((service) => dialled(service).length > 0 || service.ports.some(({ nodePort }) => nodePort !== undefined))
  const shapes = firstOfEach(reached, (service) => shapeOf(service, plan.firewall))
  const like = counted(facts.services.length - shapes.length)
  const shown = new Set<string>(shapes.flatMap(dialled))
  const dropped = new Set<string>(reached.flatMap(dialled).filter((address) => !shown.has(address)))
  const isShown = (address: Address) => !hidden.has(address) && !dropped.has(address)
  const tries: readonly { readonly services: readonly ServiceFacts[]; readonly leftOut: string | undefined; readonly scope: Scope }[] = [
    ...(cast.facts.services.length > many
      ? []
      : [{ services: cast.facts.services, leftOut: undefined, scope: { destinations: (address: Address) => !hidden.has(address) } }]),
    { services: shapes, leftOut: like, scope: { sources: (address) => !dropped.has(address), destinations: isShown } },
  ]
  for (const { services, leftOut, scope } of tries) {
    const [before, after] = worlds(services)
    if (asked([before, after], scope) <= questions) return { changes: packetChanges(before, after, scope).map(planned), nodes, leftOut }
  }
  return { changes: [], nodes, leftOut: 'everything: this cluster has too many different ports and addresses' }
}

const planned = ({ change, sources, destinations, traffic }: PacketChange): PlannedChange => ({
  ...{ change, sources, destinations },
  traffic: trafficText(traffic),
})

const counted = (services: number): string => `${services} Services: those that are reached inside only, or fare like one of these`

/** What decides of a Service as clients outside dial it: how it serves, and what the file opens of it. */
const shapeOf = (service: ServiceFacts, { spec }: HostFirewall): string => {
  const opened = (address: Address) => spec.allow.filter(({ to }) => !('nodes' in to) && to.nets.some((net) => contains(net, address)))
  const ports = service.ports.map(({ protocol, port, nodePort }) => [protocol, port, nodePort !== undefined && nodePortsOf(spec, protocol, nodePort)])
  const addresses = dialled(service).map((address) => opened(address).map(({ from, traffic }) => [from, traffic]))
  return JSON.stringify([service.externalTrafficPolicy, ports, addresses, service.endpoints.length === 0])
}

const nodePortsOf = ({ allow }: HostFirewall['spec'], protocol: string, port: number) =>
  allow
    .filter(({ to }) => 'nodes' in to)
    .filter(({ traffic }) => traffic.some((one) => one.protocol === protocol && one.ports.some(({ first, last }) => first <= port && port <= last)))
    .map(({ name }) => name)

const dialled = ({ externalIPs, loadBalancerIPs }: ServiceFacts): Address[] => [...externalIPs, ...loadBalancerIPs]

const asked = (worlds: readonly World[], { sources = () => true, destinations = () => true }: Scope): number => {
  const { addresses, traffic } = headerSpace(worlds)
  const count = (isIn: (address: Address) => boolean) => addresses.filter(({ representative }) => isIn(representative)).length
  return count(sources) * count(destinations) * traffic.length
}

const firstOfEach = <Item>(items: readonly Item[], kindOf: (item: Item) => string | undefined): Item[] => [
  ...new Map([...items].reverse().map((item) => [kindOf(item), item])).values(),
]
