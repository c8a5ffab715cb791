import { readNet } from '../calico/nets.ts'
import { parseSelector, type Selector } from '../calico/selector.ts'
import type { EntityRule, Rule } from '../calico/shapes.ts'
import type { ServiceFacts } from '../firewall/facts.ts'
import type { Membership } from './address-sets.ts'
import { entitySelector } from './endpoint-selector.ts'
import { type Ip, netMatcher } from './ip.ts'
import { type Packet, protocolNumber } from './packet.ts'

/** Whether a rule matches a packet; `undefined` where something the model does not see decides. */
export type RuleMatch = (packet: Packet) => boolean | undefined

/** What rules look up beyond the packet. */
export interface RuleContext {
  readonly addressSet: (selector: Selector) => Membership
  readonly services: readonly ServiceFacts[]
}

/**
 * Prepares a rule of a GlobalNetworkPolicy: all its conditions must hold (felix/rules/policy.go).
 * @throws FwError FW_BAD_SELECTOR
 */
export const compileRule = (rule: Rule, context: RuleContext): RuleMatch => {
  const conditions: RuleMatch[] = []
  if (rule.ipVersion) conditions.push(({ destination }) => destination.family === rule.ipVersion)
  if (rule.protocol !== undefined) conditions.push(isProtocol(rule.protocol))
  if (rule.notProtocol !== undefined) conditions.push(negated(isProtocol(rule.notProtocol)))
  if (rule.icmp) conditions.push(isIcmp(rule.icmp))
  if (rule.notICMP) conditions.push(negated(isIcmp(rule.notICMP)))
  if ('http' in rule) conditions.push(() => undefined)
  conditions.push(
    ...entity(rule.source ?? {}, ({ source }) => source, context),
    ...entity(rule.destination ?? {}, ({ destination }) => destination, context),
  )
  conditions.push(...sourcePorts(rule.source), ...destinationPorts(rule))
  conditions.push(...services(rule, context))
  return (packet) => {
    let answer: boolean | undefined = true
    for (const condition of conditions) {
      const held = condition(packet)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    return answer
  }
}

const isProtocol = (protocol: NonNullable<Rule['protocol']>): RuleMatch => {
  const number = protocolNumber(protocol)
  return (packet) => (number === undefined ? undefined : packet.protocol === number)
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
const entity = (side: EntityRule, address: (packet: Packet) => Ip, { addressSet }: RuleContext): RuleMatch[] => {
  const conditions: RuleMatch[] = []
  if (side.nets?.length) {
    const inside = netMatcher(side.nets)
    conditions.push((packet) => inside(address(packet)))
  }
  if (side.notNets?.length) {
    const [inside, ranges] = [netMatcher(side.notNets), side.notNets.flatMap((net) => readNet(net) ?? [])]
    const rendered = { 4: rendersWithout(ranges, 4), 6: rendersWithout(ranges, 6) }
    conditions.push((packet) => rendered[address(packet).family] && !inside(address(packet)))
  }
  const selected = entitySelector(side)
  if (selected !== undefined) {
    const member = addressSet(selected)
    conditions.push((packet) => member(address(packet)))
  }
  if (side.notSelector) {
    const member = addressSet(parseSelector(side.notSelector))
    conditions.push(negated((packet) => member(address(packet))))
  }
  return conditions
}

const rendersWithout = (ranges: readonly { family: 4 | 6; first: bigint; last: bigint }[], family: 4 | 6): boolean => {
  const own = ranges.filter((range) => range.family === family)
  return own.length > 0 && own.every(({ first, last }) => last - first < (1n << BigInt(family === 4 ? 32 : 128)) - 1n)
}

/** A connection's source port is picked by its kernel: a rule that names one may match or not. */
const sourcePorts = (source: EntityRule | undefined): RuleMatch[] => (source?.ports?.length || source?.notPorts?.length ? [() => undefined] : [])

/** Numeric ports without a protocol do not render, and a named port is looked up on endpoints the model does not see. */
const destinationPorts = ({ protocol, destination }: Rule): RuleMatch[] => {
  const conditions: RuleMatch[] = []
  if (destination?.ports?.length) conditions.push(protocol === undefined ? () => undefined : isPort(destination.ports))
  if (destination?.notPorts?.length) conditions.push(protocol === undefined ? () => undefined : negated(isPort(destination.notPorts)))
  return conditions
}

const isPort = (ports: readonly (number | string)[]): RuleMatch => {
  const ranges = ports.flatMap((port) => {
    const match = /^(\d+)(?::(\d+))?$/.exec(String(port))
    return match === null ? [] : [{ first: Number(match[1]), last: Number(match[2] ?? match[1]) }]
  })
  const isNamed = ranges.length < ports.length
  return ({ port }) => {
    if (port === undefined) return false
    return ranges.some(({ first, last }) => first <= port && port <= last) || (isNamed ? undefined : false)
  }
}

/** A Service as source means its endpoints' addresses, as destination their addresses and ports; an unknown Service matches nothing. */
const services = ({ source, destination }: Rule, context: RuleContext): RuleMatch[] => {
  const endpointsOf = ({ name, namespace }: NonNullable<EntityRule['services']>) =>
    context.services
      .filter((service) => service.name === name && (namespace === undefined || service.namespace === namespace))
      .flatMap(({ endpoints }) => endpoints)
  const conditions: RuleMatch[] = []
  if (source?.services) {
    const addresses = new Set<string>(endpointsOf(source.services).map(({ address }) => address))
    conditions.push((packet) => addresses.has(packet.source.text))
  }
  if (destination?.services) {
    const targets = new Set(endpointsOf(destination.services).flatMap(({ address, ports }) => ports.map(({ port }) => `${address} ${port}`)))
    conditions.push((packet) => targets.has(`${packet.destination.text} ${packet.port}`))
  }
  return conditions
}
