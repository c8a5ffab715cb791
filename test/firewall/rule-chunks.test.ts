import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockLists } from '../../src/calico/felix-blocks.ts'
import { policyProblems } from '../../src/calico/rule-limits.ts'
import { allowRules, ruleLimits } from '../../src/firewall/objects/rule-chunks.ts'
import { parseCidr } from '../../src/net/cidr.ts'

const ports = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 20 })).map(([first, more]) => ({ first, last: first + more })),
  { maxLength: 80, selector: ({ first }) => first },
)
const nets = (prefix: string) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: 250 }), { minLength: 1, maxLength: 6 })
    .map((octets) => octets.map((octet) => parseCidr(`${prefix}.${octet}.0/24`)))
const opening = fc.record({ ports, source: fc.option(nets('10.1'), { nil: undefined }), destination: nets('10.2') })

describe('the rules of an opening', () => {
  it('never need more blocks than Felix enforces, and keep to the limits', () => {
    fc.assert(
      fc.property(opening, (given) => {
        const rules = allowRules({ protocol: 'TCP', ...given })
        for (const rule of rules) {
          expect(blockLists(rule).length).toBeLessThanOrEqual(2)
          expect(rule.destination?.ports?.length ?? 0).toBeLessThanOrEqual(ruleLimits.ports)
        }
        expect(policyProblems({ types: ['Ingress'], order: 1, selector: 'all()', ingress: rules }).map(({ text }) => text)).toEqual([])
      }),
    )
  })

  it('name every port once, with every source and every destination', () => {
    fc.assert(
      fc.property(opening, (given) => {
        const rules = allowRules({ protocol: 'TCP', ...given })
        const text = ({ first, last }: { first: number; last: number }) => (first === last ? `${first}` : `${first}:${last}`)
        expect(rules.flatMap(({ destination }) => (destination?.ports ?? []).map(String))).toEqual(given.ports.map(text))
        for (const { source, destination } of rules) {
          expect(source?.nets?.length).toBe(given.source?.length)
          expect(destination?.nets?.length).toBe(given.destination.length)
        }
      }),
    )
  })

  it('sixteen ports between two networks on each side come in two rules: in one, Felix would forget the destinations', () => {
    const sixteen = Array.from({ length: 16 }, (_, at) => ({ first: 8000 + at, last: 8000 + at }))
    const two = (prefix: string) => [parseCidr(`${prefix}.1.0/24`), parseCidr(`${prefix}.2.0/24`)]
    const count = (source: ReturnType<typeof two> | undefined) =>
      allowRules({ protocol: 'TCP', ports: sixteen, source, destination: two('10.2') }).length
    expect([count(two('10.1')), count(two('10.1').slice(0, 1)), count(undefined)]).toEqual([2, 1, 1])
  })
})
