import { entitySelector } from '../calico/endpoint-selectors.ts'
import { readNet } from '../calico/nets.ts'
import { parseSelector, type Selector } from '../calico/selector.ts'
import type { EntityRule, Rule } from '../calico/shapes.ts'
import type { AddressRange } from '../net/cidr.ts'
import type { AddressBook, AddressTest } from './address-book.ts'
import { asProgrammed } from './as-programmed.ts'
import type { World } from './model.ts'
import { hasPorts, type Packet, protocolNumber } from './packet.ts'
import { type PortTest, portTest } from './rule-ports.ts'

/** Whether a rule matches a packet; `undefined` where something the model does not see decides. */
type RuleMatch = (packet: Packet) => boolean | undefined

/** A rule ready for packets. */
export interface CompiledRule {
  readonly matches: RuleMatch
  /** Its conditions on the destination's address alone: where they fail, so does the rule. */
  readonly mayBeFor: AddressTest
}

/** What rules look up beyond the packet. */
export interface RuleContext {
  readonly book: AddressBook
  readonly dataplane: World['dataplane']
  readonly addressSet: (selector: Selector) => AddressTest
  /** Where a Service's endpoints are, as a test; an unknown Service has none. */
  readonly service: (of: NonNullable<EntityRule['services']>) => RuleService
  /** Which endpoints have a port of this name and protocol; the selector is the rule's own for that side. */
  readonly namedPort: (name: string, protocol: number, selector: Selector | undefined) => PortTest
}

/** A Service in a rule: as source its endpoints' addresses, as destination their addresses and ports. */
export interface RuleService {
  readonly addresses: AddressTest
  readonly targets: (ip: Packet['destination'], protocol: number, port: number | undefined) => boolean
}

/**
 * Prepares a rule of a GlobalNetworkPolicy: all its conditions must hold (felix/rules/policy.go).
 * @throws FwError FW_BAD_SELECTOR
 */
export const compileRule = (written: Rule, context: RuleContext): CompiledRule => {
  const rule = asProgrammed(written)
  const protocol = rule.protocol === undefined ? undefined : protocolNumber(rule.protocol)
  const others = otherConditions(rule, context)
  const ports = portConditions(rule, context)
  const sources = sideTests(rule.source ?? {}, context)
  const destinations = sideTests(rule.destination ?? {}, context)
  const mayBeFor: AddressTest = (ip) => (destinations.some((test) => test(ip) === false) ? false : undefined)
  const matches: RuleMatch = (packet) => {
    if (protocol !== undefined && packet.protocol !== protocol) return false
    let answer: boolean | undefined = true
    for (const test of ports) {
      const held = test(packet)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    for (const test of destinations) {
      const held = test(packet.destination)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    for (const test of sources) {
      const held = test(packet.source)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    for (const test of others) {
      const held = test(packet)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    return answer
  }
  return { matches, mayBeFor }
}

const otherConditions = (rule: Rule, { service }: RuleContext): RuleMatch[] => {
  const conditions: RuleMatch[] = []
  if (rule.ipVersion) conditions.push(({ destination }) => destination.family === rule.ipVersion)
  // A protocol name Calico does not know: whether the rule renders at all is not told.
  if (rule.protocol !== undefined && protocolNumber(rule.protocol) === undefined) conditions.push(() => undefined)
  if (rule.notProtocol !== undefined) conditions.push(isNotProtocol(rule.notProtocol))
  if (rule.icmp) conditions.push(isIcmp(rule.icmp))
  if (rule.notICMP) conditions.push(negated(isIcmp(rule.notICMP)))
  if ('http' in rule) conditions.push(() => undefined)
  if (rule.source?.services) {
    const { addresses } = service(rule.source.services)
    conditions.push(({ source }) => addresses(source))
  }
  if (rule.destination?.services) {
    const { targets } = service(rule.destination.services)
    conditions.push(({ destination, protocol, port }) => targets(destination, protocol, port))
  }
  return conditions
}

const isNotProtocol = (protocol: NonNullable<Rule['protocol']>): RuleMatch => {
  const number = protocolNumber(protocol)
  return (packet) => (number === undefined ? undefined : packet.protocol !== number)
}

const isIcmp =
  ({ type, code }: NonNullable<Rule['icmp']>): RuleMatch =>
  ({ icmp }) =>
    icmp === undefined ? undefined : (type === undefined || icmp.type === type) && (code === undefined || icmp.code === code)

const negated =
  (match: RuleMatch): RuleMatch =>
  (packet) => {
    const answer = match(packet)
    return answer === undefined ? undefined : !answer
  }

/**
 * Nets and selectors of one side. Felix renders a rule per family and leaves it out where a list of nets has none of that family, or where
 * notNets holds a /0.
 */
const sideTests = (side: EntityRule, { book, addressSet }: RuleContext): AddressTest[] => {
  const tests: AddressTest[] = []
  const nets = rangesIn(side.nets)
  if (nets.length > 0) tests.push(book.nets(side.nets ?? []))
  const ranges = rangesIn(side.notNets)
  if (ranges.length > 0) {
    const inside = book.nets(side.notNets ?? [])
    const rendered = { 4: rendersWithout(ranges, 4), 6: rendersWithout(ranges, 6) }
    tests.push((ip) => rendered[ip.family] && !inside(ip))
  }
  const selected = entitySelector(side)
  if (selected !== undefined) tests.push(addressSet(selected))
  if (side.notSelector) {
    const member = addressSet(parseSelector(side.notSelector))
    tests.push((ip) => {
      const answer = member(ip)
      return answer === undefined ? undefined : !answer
    })
  }
  return tests
}

/** What Felix can read of a list; it skips the rest, and a list of nothing else is no condition at all (libcalico-go updateprocessors, ConvertStringsToNets). */
const rangesIn = (nets: readonly string[] = []): AddressRange[] => nets.flatMap((net) => readNet(net) ?? [])

const rendersWithout = (ranges: readonly { family: 4 | 6; first: bigint; last: bigint }[], family: 4 | 6): boolean => {
  const own = ranges.filter((range) => range.family === family)
  return own.length > 0 && own.every(({ first, last }) => last - first < (1n << BigInt(family === 4 ? 32 : 128)) - 1n)
}

/** Ports of both sides. Numeric ports without a protocol do not render, so such a rule may match or not. */
const portConditions = ({ protocol, source, destination }: Rule, context: RuleContext): RuleMatch[] => {
  const number = protocol === undefined ? undefined : protocolNumber(protocol)
  const sides = [
    { side: source, port: (packet: Packet) => packet.sourcePort, ip: (packet: Packet) => packet.source },
    { side: destination, port: (packet: Packet) => packet.port, ip: (packet: Packet) => packet.destination },
  ]
  return sides.flatMap(({ side = {}, port, ip }) => {
    const condition = (ports: readonly (number | string)[]): RuleMatch => {
      if (number === undefined) return () => undefined
      const selector = entitySelector(side)
      const test = portTest(ports, (name) => context.namedPort(name, number, selector))
      return (packet) => (hasPorts(packet.protocol) ? test(ip(packet), port(packet)) : false)
    }
    return [...(side.ports?.length ? [condition(side.ports)] : []), ...(side.notPorts?.length ? [negated(condition(side.notPorts))] : [])]
  })
}
