import { matchesPartly } from '../calico/selector.ts'
import type { EntityRule, HostEndpoint } from '../calico/shapes.ts'
import type { ServiceFacts } from '../firewall/facts/facts.ts'
import type { AddressBook } from './address-book.ts'
import { hostEndpointKnowledge } from './endpoint-knowledge.ts'
import type { Ip, NetMatcher } from './ip.ts'
import { protocolNumber } from './packet.ts'
import type { RuleContext, RuleService } from './rule.ts'

/** Whether a port of an address is meant; `undefined` where that is not told. An undefined port is one some kernel picked. */
export type PortTest = (ip: Ip, port: number | undefined) => boolean | undefined

/** Ports as rules write them: numbers, `"30000:32767"`, and names that endpoints give to ports of theirs. */
export const portTest = (ports: readonly (number | string)[], named: (name: string) => PortTest): PortTest => {
  const ranges: { readonly first: number; readonly last: number }[] = []
  const names: PortTest[] = []
  for (const port of ports) {
    const match = /^(\d+)(?::(\d+))?$/.exec(String(port))
    if (match === null) names.push(named(String(port)))
    else ranges.push({ first: Number(match[1]), last: Number(match[2] ?? match[1]) })
  }
  const isAny = ranges.some(({ first, last }) => first <= 1 && last >= 65535)
  return (ip, port) => {
    if (port === undefined) return isAny ? true : undefined
    for (const { first, last } of ranges) if (first <= port && port <= last) return true
    let answer: boolean | undefined = false
    for (const test of names) {
      const held = test(ip, port)
      if (held) return true
      if (held === undefined) answer = undefined
    }
    return answer
  }
}

/**
 * Named ports are ports of endpoints: HostEndpoints tell theirs with `spec.ports` (Felix takes the addresses they expect), containers'
 * ports of pods are not looked at.
 */
export const createNamedPorts =
  (hostEndpoints: readonly HostEndpoint[], isPod: NetMatcher): RuleContext['namedPort'] =>
  (name, protocol, selector) => {
    const sure = new Set<string>()
    const perhaps = new Set<string>()
    for (const endpoint of hostEndpoints) {
      const ports = (endpoint.spec.ports ?? []).filter((port) => port.name === name && protocolNumber(port.protocol) === protocol)
      const selected = selector === undefined ? true : matchesPartly(selector, hostEndpointKnowledge(endpoint))
      if (selected === false) continue
      for (const ip of endpoint.spec.expectedIPs ?? []) for (const { port } of ports) (selected ? sure : perhaps).add(`${ip} ${port}`)
    }
    return (ip, port) => {
      const key = `${ip.text} ${port}`
      if (sure.has(key)) return true
      return isPod(ip) || perhaps.has(key) ? undefined : false
    }
  }

/** Services as rules name them; Calico resolves EndpointSlices, and a Service nobody made has no endpoint. */
export const createRuleServices = (services: readonly ServiceFacts[], book: AddressBook): RuleContext['service'] => {
  const known = new Map<string, RuleService>()
  const named = ({ name, namespace }: NonNullable<EntityRule['services']>) =>
    services.filter((service) => service.name === name && (namespace === undefined || service.namespace === namespace))
  return (of) => {
    const key = `${of.namespace ?? ''}/${of.name}`
    const found = known.get(key)
    if (found !== undefined) return found
    const meant = named(of)
    const made: RuleService = {
      addresses: book.test(`service ${key} ${book.number(services)}`, () => {
        const addresses = new Set<string>(meant.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))
        return (ip) => addresses.has(ip.text)
      }),
      targets: serviceTargets(meant),
    }
    known.set(key, made)
    return made
  }
}

/** A port of an endpoint is one of the Service port's protocol. */
const serviceTargets = (services: readonly ServiceFacts[]): RuleService['targets'] => {
  const targets = new Set(
    services.flatMap(({ ports: own, endpoints }) =>
      endpoints.flatMap(({ address, ports }) =>
        ports.flatMap(({ name, port }) =>
          own.filter((one) => (one.name ?? '') === (name ?? '')).map(({ protocol }) => `${address} ${protocolNumber(protocol)} ${port}`),
        ),
      ),
    ),
  )
  return (ip, protocol, port) => targets.has(`${ip.text} ${protocol} ${port}`)
}
