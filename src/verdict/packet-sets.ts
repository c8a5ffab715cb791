import type { GlobalNetworkPolicy, Rule } from '../calico/shapes.ts'
import { type Address, familyOf } from '../net/address.ts'
import { joinRanges } from '../net/address-set.ts'
import type { AddressRange } from '../net/cidr.ts'
import { createAddressBook } from './address-book.ts'
import { type AddressClass, headerSpace } from './header-space.ts'
import type { Connection, Verdict, World } from './model.ts'
import { protocols } from './packet.ts'
import type { TrafficClass } from './traffic-classes.ts'
import { createDecider } from './verdicts.ts'

/** A set of packets: every source of it to every destination, with any of its traffic. */
interface PacketSet {
  readonly sources: readonly AddressRange[]
  readonly destinations: readonly AddressRange[]
  readonly traffic: readonly TrafficClass[]
}

/** What becomes otherwise between two worlds. `unclear`: the model knows the fate in one of them only. */
export interface PacketChange extends PacketSet {
  readonly change: 'opens' | 'closes' | 'unclear'
}

/** Which part of all packets a question is about; absent: all. */
export interface Scope {
  readonly sources?: (address: Address) => boolean
  readonly destinations?: (address: Address) => boolean
}

/**
 * Everything that opens or closes from one world to another, over all packets and not samples: exact, as far as the verdicts are. A class of
 * addresses is asked about by one of them, so the scope must not cut through one: scopes over nodes, pods and Services do not.
 */
export const packetChanges = (before: World, after: World, scope: Scope = {}): PacketChange[] => {
  const book = createAddressBook()
  const [was, is] = [createDecider(before, book), createDecider(after, book)]
  const found: Cell<PacketChange['change']>[] = []
  forEachClass([before, after], scope, (source, destination, traffic, connection) => {
    const [old, now] = [was.action(connection), is.action(connection)]
    if (old !== now) found.push({ source, destination, traffic, what: changeOf(old, now) })
  })
  return boxes(found).map(({ what, ...set }) => ({ ...set, change: what }))
}

const changeOf = (old: Verdict['action'], now: Verdict['action']): PacketChange['change'] => {
  if (old === 'unknown' || now === 'unknown') return 'unclear'
  return now === 'allow' ? 'opens' : 'closes'
}

/** Who can reach a port of an address: every source, by what becomes of it. */
export const whoReaches = (
  world: World,
  target: Pick<Connection, 'destination' | 'protocol' | 'port' | 'icmp'>,
): Record<Verdict['action'], AddressRange[]> => {
  const { action } = createDecider(world)
  const fates: Record<Verdict['action'], AddressRange[]> = { allow: [], deny: [], unknown: [] }
  for (const { representative, ranges } of headerSpace([world]).addresses)
    if (familyOf(representative) === familyOf(target.destination)) fates[action({ ...target, source: representative })].push(...ranges)
  return { allow: joinRanges(fates.allow), deny: joinRanges(fates.deny), unknown: joinRanges(fates.unknown) }
}

/** Whether no packet's fate depends on a rule: turned round, or left out, nothing changes. Rules before it take all it could. */
export const isShadowed = (world: World, policy: string, direction: 'ingress' | 'egress', index: number): boolean => {
  const edit = (change: (rules: readonly Rule[]) => readonly Rule[]): World => ({
    ...world,
    policies: world.policies.map(
      (one): GlobalNetworkPolicy =>
        one.metadata.name === policy ? { ...one, spec: { ...one.spec, [direction]: change(one.spec[direction] ?? []) } } : one,
    ),
  })
  const turned = edit((rules) => rules.map((rule, at) => (at === index ? { ...rule, action: rule.action === 'Deny' ? 'Allow' : 'Deny' } : rule)))
  const gone = edit((rules) => rules.map((rule, at) => (at === index ? { ...rule, action: 'Log' } : rule)))
  return [turned, gone].every((other) => packetChanges(world, other).length === 0)
}

interface Cell<What> {
  readonly source: AddressClass
  readonly destination: AddressClass
  readonly traffic: TrafficClass
  readonly what: What
}

/** ICMP is IPv4's, ICMPv6 is IPv6's. */
const existsIn = (family: 4 | 6, protocol: number): boolean => protocol !== (family === 4 ? protocols.icmpv6 : protocols.icmp)

const forEachClass = (
  worlds: readonly World[],
  { sources = () => true, destinations = () => true }: Scope,
  ask: (source: AddressClass, destination: AddressClass, traffic: TrafficClass, connection: Connection) => void,
): void => {
  const { addresses, traffic } = headerSpace(worlds)
  const from = addresses.filter(({ representative }) => sources(representative))
  const to = addresses.filter(({ representative }) => destinations(representative))
  for (const source of from)
    for (const destination of to) {
      if (familyOf(source.representative) !== familyOf(destination.representative)) continue
      for (const kind of traffic)
        if (existsIn(familyOf(source.representative), kind.protocol))
          ask(source, destination, kind, { source: source.representative, destination: destination.representative, ...kind.representative })
    }
}

/** Cells put together: those of a pair with the same traffic, then sources that fare alike, then destinations. */
const boxes = <What extends string>(cells: readonly Cell<What>[]): (PacketSet & { readonly what: What })[] => {
  const pairs = grouped(cells, ({ source, destination, what }) => `${source.representative} ${destination.representative} ${what}`).map((group) => ({
    ...group[0],
    kinds: group.map(({ traffic }) => traffic),
    key: group.map(({ traffic }) => traffic.name).join(),
  }))
  const columns = grouped(pairs, ({ destination, what, key }) => `${destination?.representative} ${what} ${key}`).map((group) => ({
    ...group[0],
    from: group.flatMap(({ source }) => source?.ranges ?? []),
    fromKey: group.map(({ source }) => source?.representative).join(),
  }))
  return grouped(columns, ({ what, key, fromKey }) => `${what} ${key} ${fromKey}`).flatMap((group) => {
    const [first] = group
    if (first?.what === undefined) return []
    const to = joinRanges(group.flatMap(({ destination }) => destination?.ranges ?? []))
    return [{ what: first.what, sources: joinRanges(first.from), destinations: to, traffic: first.kinds ?? [] }]
  })
}

const grouped = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] => {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return [...groups.values()]
}
