import fc from 'fast-check'
import type { EntityRule, Rule } from '../../../src/calico/shapes.ts'
import type { Dataplane, ServiceFacts } from '../../../src/firewall/facts/facts.ts'
import type { Terrain } from './terrain.ts'

/** Label keys and values shared by HostEndpoints and sets: few, so that selectors meet them. */
export const labelKeys = ['role', 'zone', 'tier-of'] as const
export const labelValues = ['red', 'redder', 'blue'] as const
/** Names of HostEndpoints' ports. */
export const portNames = ['web', 'ssh', 'dns'] as const

const key = fc.constantFrom(...labelKeys)
const value = fc.constantFrom(...labelValues)

const term: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(key, value).map(([label, text]) => `${label} == '${text}'`),
  fc.tuple(key, value).map(([label, text]) => `${label} != '${text}'`),
  key.map((label) => `has(${label})`),
  key.map((label) => `!has(${label})`),
  fc
    .tuple(key, fc.uniqueArray(value, { minLength: 1, maxLength: 2 }))
    .map(([label, texts]) => `${label} in {${texts.map((text) => `'${text}'`).join(', ')}}`),
  fc.tuple(key, value).map(([label, text]) => `${label} not in {'${text}'}`),
  fc
    .tuple(key, fc.constantFrom('contains', 'starts with', 'ends with'), fc.constantFrom('red', 'e', 'r'))
    .map(([label, operator, text]) => `${label} ${operator} '${text}'`),
  fc.constant('all()'),
)

/** A selector over the shared labels; the whole grammar. */
export const selector: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: term, weight: 5 },
  { arbitrary: fc.tuple(term, term).map(([one, other]) => `${one} && ${other}`), weight: 2 },
  { arbitrary: fc.tuple(term, term).map(([one, other]) => `${one} || ${other}`), weight: 1 },
  { arbitrary: fc.tuple(term, term).map(([one, other]) => `!(${one} && ${other})`), weight: 1 },
)

/** Where a rule's selector looks: mostly at global sets and HostEndpoints, for what pods are labelled with the model is not told. */
const selecting: fc.Arbitrary<Pick<EntityRule, 'selector' | 'namespaceSelector' | 'notSelector'>> = fc.oneof(
  { arbitrary: selector.map((text) => ({ selector: text, namespaceSelector: 'global()' })), weight: 6 },
  {
    arbitrary: selector.map((text) => ({ selector: `${text.includes('||') ? `(${text})` : text} && !has(projectcalico.org/namespace)` })),
    weight: 2,
  },
  { arbitrary: selector.map((text) => ({ selector: `(${text}) && projectcalico.org/namespace == 'fw-tenant'` })), weight: 2 },
  { arbitrary: term.map((text) => ({ selector: text })), weight: 1 },
  { arbitrary: selector.map((text) => ({ notSelector: `(${text}) && !has(projectcalico.org/namespace)` })), weight: 2 },
)

const port: fc.Arbitrary<number | string> = fc.oneof(
  { arbitrary: fc.constantFrom<number | string>(22, 23, 53, 68, 80, 179, 443, 2379, 7443, 8080, 9100, 10250, 31999), weight: 8 },
  { arbitrary: fc.constantFrom<number | string>('20:30', '80:90', '1:1023', '9000:9200', '30000:32767', '1:65535', '32768:60999'), weight: 4 },
  { arbitrary: fc.constantFrom<number | string>(...portNames), weight: 1 },
)

const many = Array.from({ length: 17 }, (_, index) => 8000 + 10 * index)

const ports: fc.Arbitrary<(number | string)[]> = fc.oneof(
  { arbitrary: fc.uniqueArray(port, { minLength: 1, maxLength: 3 }), weight: 12 },
  // More than one multiport match of iptables holds.
  { arbitrary: fc.uniqueArray(port, { minLength: 1, maxLength: 3 }).map((more) => [...new Set([...many, ...more])]), weight: 1 },
)

const nets = ({ nets: worth }: Terrain) => fc.uniqueArray(fc.constantFrom(...worth), { minLength: 1, maxLength: 3 })

/** One side of a rule, without ports. */
const place = (terrain: Terrain): fc.Arbitrary<EntityRule> =>
  fc.oneof(
    { arbitrary: fc.constant<EntityRule>({}), weight: 5 },
    { arbitrary: nets(terrain).map((list): EntityRule => ({ nets: list })), weight: 4 },
    { arbitrary: nets(terrain).map((list): EntityRule => ({ notNets: list })), weight: 2 },
    { arbitrary: fc.tuple(nets(terrain), nets(terrain)).map(([list, but]): EntityRule => ({ nets: list, notNets: but })), weight: 1 },
    { arbitrary: selecting, weight: 4 },
    { arbitrary: fc.tuple(selecting, nets(terrain)).map(([by, list]): EntityRule => ({ ...by, nets: list })), weight: 1 },
  )

const withPorts = (side: fc.Arbitrary<EntityRule>, likely: number): fc.Arbitrary<EntityRule> =>
  fc.oneof(
    { arbitrary: side, weight: 10 - likely },
    { arbitrary: fc.tuple(side, ports).map(([one, list]): EntityRule => ({ ...one, ports: list })), weight: likely },
    { arbitrary: fc.tuple(side, ports).map(([one, list]): EntityRule => ({ ...one, notPorts: list })), weight: Math.ceil(likely / 3) },
  )

/** Every list longer than one kernel rule takes. */
const crowded = (terrain: Terrain): fc.Arbitrary<Partial<Rule>> => {
  const several = fc.uniqueArray(fc.constantFrom(...terrain.nets), { minLength: 2, maxLength: 3 })
  const names = fc.tuple(port, fc.constantFrom(...portNames)).map((pair) => [...new Set(pair)])
  return fc.tuple(several, several, names).map(([from, to, list]) => ({
    protocol: 'TCP' as const,
    source: { nets: from },
    destination: { nets: to, ports: [...many, ...list.filter((one) => !many.includes(Number(one)))] },
  }))
}

const action = fc.constantFrom<Rule['action']>('Allow', 'Allow', 'Allow', 'Deny', 'Deny', 'Pass', 'Log')

const serviceOf = ({ name, namespace }: ServiceFacts) => ({ services: { name, namespace } })

/**
 * A rule Calico's validator takes, and Felix can program: in nftables mode it cannot program an ICMP type together with a code.
 * @param dataplane decides what is left out
 */
export const arbitraryRule = (
  terrain: Terrain,
  services: readonly ServiceFacts[],
  direction: 'ingress' | 'egress',
  dataplane: Dataplane,
): fc.Arbitrary<Rule> => {
  const sides = (likely: number) =>
    fc.record({ source: withPorts(place(terrain), likely === 0 ? 0 : 1), destination: withPorts(place(terrain), likely) })
  const bare = fc.record({ source: place(terrain), destination: place(terrain) })
  const icmp = fc.oneof(
    fc.constantFrom({ type: 8 }, { type: 3 }, { type: 13 }),
    ...(dataplane === 'nftables' ? [] : [fc.constantFrom({ type: 8, code: 0 }, { type: 8, code: 1 })]),
  )
  const matching: fc.Arbitrary<Partial<Rule>> = fc.oneof(
    {
      arbitrary: fc
        .tuple(fc.constantFrom('TCP' as const, 'TCP' as const, 'UDP' as const, 'SCTP' as const, 6, 17), sides(6))
        .map(([protocol, both]) => ({ protocol, ...both })),
      weight: 10,
    },
    { arbitrary: bare, weight: 5 },
    { arbitrary: crowded(terrain), weight: 1 },
    {
      arbitrary: fc.tuple(fc.constantFrom('ICMP' as const, 'UDPLite' as const, 1, 47, 112), bare).map(([protocol, both]) => ({ protocol, ...both })),
      weight: 2,
    },
    { arbitrary: fc.tuple(icmp, bare).map(([type, both]) => ({ protocol: 'ICMP' as const, icmp: type, ...both })), weight: 2 },
    { arbitrary: fc.tuple(icmp, bare).map(([type, both]) => ({ protocol: 'ICMP' as const, notICMP: type, ...both })), weight: 1 },
    {
      arbitrary: fc.tuple(fc.constantFrom('TCP' as const, 'UDP' as const, 112), bare).map(([protocol, both]) => ({ notProtocol: protocol, ...both })),
      weight: 1,
    },
    { arbitrary: fc.tuple(fc.constantFrom(4 as const, 6 as const), bare).map(([ipVersion, both]) => ({ ipVersion, ...both })), weight: 1 },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(...services), place(terrain))
        .map(([service, other]) =>
          direction === 'ingress' ? { source: serviceOf(service), destination: other } : { source: other, destination: serviceOf(service) },
        ),
      weight: 2,
    },
  )
  return fc.tuple(action, matching).map(([decides, match]) => asRule(decides, match))
}

/** Empty sides say nothing, and an IPv6 rule has no IPv4 nets. */
const asRule = (decides: Rule['action'], { source, destination, ...match }: Partial<Rule>): Rule => {
  const kept = (side: EntityRule | undefined): EntityRule | undefined => {
    if (side === undefined || Object.keys(side).length === 0) return undefined
    const { nets: list, notNets, ...rest } = side
    return match.ipVersion === 6 ? rest : { ...rest, ...(list === undefined ? {} : { nets: list }), ...(notNets === undefined ? {} : { notNets }) }
  }
  const [from, to] = [kept(source), kept(destination)]
  return { action: decides, ...match, ...(from === undefined ? {} : { source: from }), ...(to === undefined ? {} : { destination: to }) }
}
