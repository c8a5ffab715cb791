import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keys, names } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import type { GlobalNetworkPolicy, NetworkSet, Rule } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { castOf } from '../../src/proof/cast.ts'
import { changeOf } from '../../src/proof/change.ts'
import { kindsOf } from '../../src/proof/kinds.ts'
import { proveCast } from '../../src/proof/prove-plan.ts'
import { bigFacts, bigFirewall } from '../fixtures/big-facts.ts'

const size = { nodes: 13, kinds: 2, policies: 4, services: 12 }
const facts = bigFacts(size)
const plan = makePlan({ firewall: bigFirewall(size), facts, change: 1, windowSeconds: 90 })

/** The lifeline without who is at its ends. */
const shapeOf = (flow: string) => flow.replace(/node\d{5}/g, 'N').replace(/\d+\.\d+\.\d+\.\d+|entry\d+|fe80::\d/g, 'A')
const shapes = (given: { facts: Facts; plan: Plan }, all: number) =>
  new Set(proveCast(castOf(given.facts, changeOf(given.plan), all), given.facts, given.plan).refusals.map(({ flow }) => shapeOf(flow)))

type Damage = (given: { facts: Facts; plan: Plan }) => { facts: Facts; plan: Plan }
const lostNets = fc.subarray(
  facts.nodes.map(({ addresses: [first] }) => `${first?.address}/32`),
  { minLength: 0, maxLength: 3 },
)
const losing: fc.Arbitrary<Damage> = lostNets.map((lost) => (given) => ({
  ...given,
  plan: {
    ...given.plan,
    sets: given.plan.sets.map(
      (object): KubeObject =>
        object.kind === 'GlobalNetworkSet' && object.metadata.name === names.nodesSet
          ? { ...object, spec: { nets: ((object as NetworkSet).spec.nets ?? []).filter((net) => !lost.includes(net)) } }
          : object,
    ),
  },
}))
const port = fc.constantFrom(179, 9100, 10250, 6443, 53, 8080, 4789)
const ends = fc.constantFrom('10.0.0.0/28', '10.0.0.5/32', '10.0.0.8/30', '11.0.4.0/22', '11.0.0.0/8')
const rule: fc.Arbitrary<Rule> = fc.record({
  action: fc.constantFrom('Deny' as const, 'Allow' as const),
  protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
  source: ends.map((net) => ({ nets: [net] })),
  destination: fc.oneof(
    port.map((one) => ({ ports: [one] })),
    fc.tuple(port, ends).map(([one, net]) => ({ ports: [one], nets: [net] })),
  ),
})
const intruding: fc.Arbitrary<Damage> = fc
  .tuple(fc.array(rule, { minLength: 1, maxLength: 3 }), fc.constantFrom('ingress' as const, 'egress' as const))
  .map(([rules, direction]) => (given) => {
    const spec: GlobalNetworkPolicy['spec'] =
      direction === 'ingress'
        ? { order: 10, selector: `has(${keys.run})`, types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress: rules }
        : { order: 10, selector: `has(${keys.run})`, types: ['Egress'], applyOnForward: true, egress: [...rules, { action: 'Allow' }] }
    const policy: GlobalNetworkPolicy = { apiVersion: 'projectcalico.org/v3', kind: 'GlobalNetworkPolicy', metadata: { name: 'foreign' }, spec }
    return { ...given, facts: { ...given.facts, policies: [...given.facts.policies, policy] } }
  })

describe('nodes that stand for all', () => {
  it('refuse what all of them together refuse, and nothing else', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(losing, intruding), { minLength: 1, maxLength: 2 }), (damages) => {
        const given = damages.reduce((now, damage) => damage(now), { facts, plan })
        expect(shapes(given, 0)).toEqual(shapes(given, 1_000))
      }),
      { numRuns: 4 },
    )
  })
  it('are as few as their kinds, whatever the cluster counts', () => {
    const cast = (nodes: number) => {
      const given = bigFacts({ ...size, nodes })
      return castOf(given, changeOf(makePlan({ firewall: bigFirewall(size), facts: given, change: 1, windowSeconds: 90 })))
    }
    const [some, many] = [cast(100), cast(400)]
    expect(many.kinds).toBe(some.kinds)
    expect(many.pairs.length).toBe(some.pairs.length)
    expect(many.facts.nodes.length).toBeLessThan(40)
  })
  it('show each kind with every way to be seen, calling and called, in either order of closing', () => {
    const given = bigFacts({ ...size, nodes: 100 })
    const made = makePlan({ firewall: bigFirewall(size), facts: given, change: 1, windowSeconds: 90 })
    const batchOf = (name: string) => made.batches.findIndex(({ nodes }) => nodes.includes(name))
    const { of } = kindsOf(given, changeOf(made))
    const orders = new Map<string, Set<number>>()
    for (const [one, other] of castOf(given, changeOf(made)).pairs) {
      for (const [role, node, peer] of [
        ['calls', one, other],
        ['is called', other, one],
      ] as const) {
        const key = `${of.get(node.name)} ${role}`
        orders.set(key, (orders.get(key) ?? new Set()).add(Math.sign(batchOf(node.name) - batchOf(peer.name))))
      }
    }
    const workers = new Set(given.nodes.filter(({ controlPlane }) => !controlPlane).map(({ name }) => of.get(name)))
    expect(workers.size).toBe(2)
    for (const kind of workers)
      for (const role of ['calls', 'is called']) expect([...(orders.get(`${kind} ${role}`) ?? [])]).toEqual(expect.arrayContaining([-1, 1]))
  })
  const [lost] = facts.nodes.slice(8)
  it.each([
    ['an InternalIP', lost?.addresses[0]?.address],
    ['the address of its tunnel', lost?.otherAddresses[0]?.address],
  ])('split where one address is missing from a set: %s', (_, address) => {
    const damaged = {
      ...plan,
      sets: plan.sets.map((object) =>
        object.kind === 'GlobalNetworkSet'
          ? { ...object, spec: { nets: ((object as NetworkSet).spec.nets ?? []).filter((net) => net !== `${address}/32`) } }
          : object,
      ),
    }
    expect(castOf(facts, changeOf(damaged), 0).kinds).toBe(castOf(facts, changeOf(plan), 0).kinds + 1)
  })
})
