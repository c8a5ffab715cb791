import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import type { EntityRule, Rule } from '../../src/calico/shapes.ts'
import { addressOf, familyOf, numberOf, parseAddress } from '../../src/net/address.ts'
import { cidrsOf, joinRanges, piecesOf } from '../../src/net/address-set.ts'
import { parseCidr, rangeOf } from '../../src/net/cidr.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { isShadowed, type PacketChange, packetChanges, whoReaches } from '../../src/verdict/packet-sets.ts'
import { decide } from '../../src/verdict/verdicts.ts'
import { homeAddresses as at, podOf } from '../fixtures/home-facts.ts'
import { bare, facts, globalSet, hostEndpoint, ingress, onAll, policy } from './world-builder.ts'

const denyAll = ingress('deny', 9, [{ action: 'Deny' }])
const world = (policies: World['policies'], more: Partial<World> = {}): World => ({ ...bare, hostEndpoints: onAll(), policies, ...more })
const text = (ranges: readonly { family: 4 | 6; first: bigint; last: bigint }[]) => ranges.flatMap(cidrsOf)
const holds = (ranges: PacketChange['sources'], address: string) =>
  ranges.some(
    ({ family, first, last }) => family === familyOf(address) && first <= numberOf(parseAddress(address)) && numberOf(parseAddress(address)) <= last,
  )
const carries = ({ traffic }: PacketChange, protocol: number, port: number) =>
  traffic.some((kind) => kind.protocol === protocol && kind.ports.some(({ first, last }) => first <= port && port <= last))

describe('what opens and closes', () => {
  it('is nothing between a world and itself', () => {
    expect(packetChanges(world([denyAll]), world([denyAll]))).toEqual([])
  })
  it('is exactly the door a rule opens', () => {
    const door = ingress('door', 1, [
      { action: 'Allow', protocol: 'TCP', source: { nets: ['203.0.113.0/24'] }, destination: { nets: [`${at.ws1}/32`], ports: ['9100:9102'] } },
    ])
    const changes = packetChanges(world([denyAll]), world([door, denyAll]))
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject({ change: 'opens' })
    expect(text(changes[0]?.sources ?? [])).toEqual(['203.0.113.0/24'])
    expect(text(changes[0]?.destinations ?? [])).toEqual([`${at.ws1}/32`])
    expect(changes[0]?.traffic.map(({ name }) => name)).toEqual(['TCP 9100-9102'])
  })
  it('closes what a Deny closes, but for failsafes', () => {
    const changes = packetChanges(world([]), world([denyAll])).filter(({ destinations }) => holds(destinations, at.ws2))
    const from = (source: string) => changes.filter(({ sources }) => holds(sources, source))
    expect(new Set(from(at.outsider).map(({ change }) => change))).toEqual(new Set(['closes']))
    expect(from(at.outsider).some((change) => carries(change, 6, 10250))).toBe(true)
    expect(from(at.outsider).some((change) => carries(change, 6, 22))).toBe(false)
  })
})

describe('IPv6', () => {
  const six = parseAddress('fd00:da::174')
  const dual: Partial<World> = {
    nodes: bare.nodes.map((node, index) =>
      index === 1
        ? {
            ...node,
            addresses: [...node.addresses, { type: 'InternalIP' as const, address: six }],
            interfaces: node.interfaces.map((nic) => ({ ...nic, addresses: [...nic.addresses, six] })),
          }
        : node,
    ),
  }
  it('is a space of its own: a door for one family opens nothing for the other', () => {
    const door = ingress('door', 1, [{ action: 'Allow', protocol: 'TCP', source: { nets: ['2001:db8::/32'] }, destination: { ports: [9100] } }])
    const changes = packetChanges(world([denyAll], dual), world([door, denyAll], dual)).filter(({ destinations }) => holds(destinations, six))
    expect(changes.map(({ change, sources, traffic }) => [change, text(sources), traffic.map(({ name }) => name)])).toEqual([
      ['opens', ['2001:db8::/32'], ['TCP 9100']],
    ])
  })
  it('closes for everybody who is not named, neighbours included', () => {
    const closes = packetChanges(world([], dual), world([denyAll], dual)).filter(
      ({ change, destinations }) => change === 'closes' && holds(destinations, six),
    )
    expect(closes.some(({ sources }) => holds(sources, '2001:db8::1') && holds(sources, 'fd00:da::99'))).toBe(true)
    expect(closes.some(({ sources }) => holds(sources, at.outsider))).toBe(false)
    expect(closes.some((change) => carries(change, 6, 10250))).toBe(true)
  })
})

const nets = fc.subarray(['192.168.218.0/24', '192.168.218.53/32', '10.233.64.0/18', '203.0.113.0/24', '0.0.0.0/1', '127.0.0.0/8'], {
  minLength: 1,
  maxLength: 3,
})
const side: fc.Arbitrary<EntityRule> = fc.oneof(
  fc.constant({}),
  nets.map((list) => ({ nets: list })),
  nets.map((list) => ({ notNets: list })),
  fc.constantFrom({ selector: 'has(fw)' }, { selector: `${keys.set} == 'nodes'`, namespaceSelector: 'global()' }),
)
const ports = fc.subarray([22, 80, 443, '9000:9200', 10250, '30000:32767'], { minLength: 1, maxLength: 2 })
const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({ action: fc.constantFrom('Allow' as const, 'Deny' as const, 'Pass' as const), source: side, destination: side }),
  fc.record({
    action: fc.constantFrom('Allow' as const, 'Deny' as const),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    source: side,
    destination: fc.tuple(side, ports).map(([one, list]) => ({ ...one, ports: list })),
  }),
)
const small: Partial<World> = {
  nodes: bare.nodes.slice(0, 2),
  services: bare.services.slice(0, 3),
  hostEndpoints: facts.nodes.slice(0, 2).map((node) => hostEndpoint(node)),
}
const nodesSet = globalSet('nodes', { [keys.set]: 'nodes' }, ['192.168.218.171/32', '192.168.218.174/31'])
const made = (rules: readonly Rule[], normal: readonly Rule[]): World =>
  world([ingress('rules', 1, rules), policy('normal', { order: 2, selector: 'has(fw)', types: ['Ingress'], ingress: normal })], {
    ...small,
    networkSets: [nodesSet],
  })
const someAddress = fc.oneof(
  fc.constantFrom(
    at.windowsClient,
    at.outsider,
    at.control1,
    at.ws1,
    podOf(0),
    podOf(1),
    at.ingressVip,
    at.apiVip,
    parseAddress('127.0.0.1'),
    parseAddress('10.233.0.1'),
  ),
  fc.bigInt({ min: 0n, max: 0xffffffffn }).map((value) => addressOf(4, value)),
)
const packet: fc.Arbitrary<Connection> = fc.record({
  source: someAddress,
  destination: someAddress,
  protocol: fc.constantFrom(6, 17),
  port: fc.oneof(fc.constantFrom(22, 80, 443, 7443, 9100, 10250, 31110), fc.integer({ min: 1, max: 65535 })),
})

describe('packet sets and single verdicts', () => {
  it('agree on every packet', () => {
    const rules = fc.array(rule, { maxLength: 3 })
    fc.assert(
      fc.property(rules, rules, rules, fc.array(packet, { minLength: 40, maxLength: 40 }), (one, two, normal, packets) => {
        const [before, after] = [made(one, normal), made(two, normal)]
        const changes = packetChanges(before, after)
        for (const asked of packets) {
          const [old, now] = [decide(before, asked).action, decide(after, asked).action]
          const found = changes.filter(
            (change) =>
              holds(change.sources, asked.source) &&
              holds(change.destinations, asked.destination) &&
              carries(change, Number(asked.protocol), asked.port ?? 0),
          )
          const expected = old === now ? [] : [old === 'unknown' || now === 'unknown' ? 'unclear' : now === 'allow' ? 'opens' : 'closes']
          expect(found.map(({ change }) => change)).toEqual(expected)
        }
      }),
      { numRuns: 12 },
    )
  })
})

describe('who can reach a port', () => {
  it('is everybody the rules let in, as networks', () => {
    const closed = world([ingress('some', 1, [{ action: 'Allow', source: { nets: ['192.168.218.0/24'] } }]), denyAll])
    const { allow, deny, unknown } = whoReaches(closed, { destination: at.ws1, protocol: 'TCP', port: 10250 })
    expect(holds(allow, at.windowsClient)).toBe(true)
    expect(holds(allow, at.ws2)).toBe(true)
    expect(holds(deny, at.outsider)).toBe(true)
    expect(holds(deny, '8.8.8.8')).toBe(true)
    const sizes = [allow, deny, unknown].flat().filter(({ family }) => family === 4)
    expect(sizes.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)).toBe(1n << 32n)
  })
})

describe('a shadowed rule', () => {
  const allow: Rule = { action: 'Allow', source: { nets: ['203.0.113.0/24'] } }
  it('is one whose packets earlier rules take', () => {
    const narrow: Rule = { action: 'Deny', source: { nets: ['203.0.113.8/29'] } }
    const shadowing = world([ingress('rules', 1, [allow, narrow, { action: 'Deny' }])], small)
    expect(isShadowed(shadowing, 'rules', 'ingress', 1)).toBe(true)
    expect(isShadowed(shadowing, 'rules', 'ingress', 0)).toBe(false)
    expect(isShadowed(world([ingress('rules', 1, [narrow, allow, { action: 'Deny' }])], small), 'rules', 'ingress', 0)).toBe(false)
  })
})

describe('ranges', () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 40 }))
    .map(([first, length]) => ({ family: 4 as const, first: BigInt(first), last: BigInt(first + length) }))
  const members = (list: readonly { first: bigint; last: bigint }[]) =>
    new Set(list.flatMap(({ first, last }) => Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i))))
  it('joined hold the same addresses, apart from each other', () => {
    fc.assert(
      fc.property(fc.array(range), (list) => {
        const joined = joinRanges(list)
        expect(members(joined)).toEqual(members(list))
        for (const [index, { first }] of joined.slice(1).entries()) expect(first > (joined[index]?.last ?? 0n) + 1n).toBe(true)
      }),
    )
  })
  it('as CIDRs hold the same addresses', () => {
    fc.assert(
      fc.property(range, (one) => {
        expect(members(cidrsOf(one).map((cidr) => rangeOf(parseCidr(cidr))))).toEqual(members([one]))
      }),
    )
  })
  it('cut a family into pieces without gaps', () => {
    fc.assert(
      fc.property(fc.array(range), (list) => {
        const pieces = piecesOf(4, list)
        expect(pieces[0]?.first).toBe(0n)
        expect(pieces.at(-1)?.last).toBe(0xffffffffn)
        for (const [index, { first }] of pieces.slice(1).entries()) expect(first).toBe((pieces[index]?.last ?? 0n) + 1n)
        for (const { first, last } of list)
          expect(pieces.every((piece) => piece.last < first || piece.first > last || (piece.first >= first && piece.last <= last))).toBe(true)
      }),
    )
  })
})
