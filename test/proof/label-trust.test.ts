import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { worldHalves } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { EntityRule, GlobalNetworkPolicy, NetworkSet, Rule } from '../../src/calico/shapes.ts'
import { isForgeable } from '../../src/proof/label-trust.ts'
import { planStates } from '../../src/proof/plan-states.ts'
import { homeAddresses as at, homeFacts } from '../fixtures/home-facts.ts'
import { action, bare, gateSelector, ingress, onAll, tcp } from '../verdict/world-builder.ts'
import { homePlan } from './home-plan.ts'

const cases: readonly [EntityRule, boolean][] = [
  [{ selector: "node-endpoint == 'home'" }, true],
  [{ selector: "!has(closed) && role in {'a', 'b'}" }, true],
  [{ selector: "set == 'nodes'", namespaceSelector: "projectcalico.org/name == 'calico-fw'" }, true],
  [{ namespaceSelector: 'all()' }, true],
  [{ selector: "projectcalico.org/namespace != 'web'" }, true],
  [{ selector: "set == 'nodes'", namespaceSelector: 'global()' }, false],
  [{ selector: gateSelector }, false],
  [{ selector: "projectcalico.org/namespace == 'web'" }, false],
  [{ nets: ['10.0.0.0/8'] }, false],
  [{}, false],
]

describe('a rule’s side a tenant can forge', () => {
  it.each(cases)('%j: %s', (side, expected) => {
    expect(isForgeable(side)).toBe(expected)
  })

  const text = fc.constantFrom('a', 'b', 'projectcalico.org/namespace', 'pcns.projectcalico.org/name')
  const term = fc
    .tuple(text, fc.constantFrom('==', '!='), fc.constantFrom('1', '2', 'tenant', 'web'))
    .map(([label, sign, value]) => `${label} ${sign} '${value}'`)
  const selector = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(' && '))
  const labels = fc.dictionary(fc.constantFrom('a', 'b', 'pcns.projectcalico.org/name'), fc.constantFrom('1', '2', 'web'))
  it('is every one that some labels of theirs really open', () => {
    const deny: Rule = { action: 'Deny' }
    const set = (own: Record<string, string>): NetworkSet => ({
      ...{ apiVersion: v3, kind: 'NetworkSet', spec: { nets: worldHalves } },
      metadata: { name: 'forged', namespace: 'tenant', labels: own },
    })
    fc.assert(
      fc.property(selector, labels, fc.constantFrom(undefined, 'global()', "projectcalico.org/name == 'web'"), (one, own, namespaceSelector) => {
        fc.pre(!one.includes("projectcalico.org/namespace == 'tenant'"))
        const source = { selector: one, ...(namespaceSelector === undefined ? {} : { namespaceSelector }) }
        const world = {
          ...bare,
          hostEndpoints: onAll(),
          policies: [ingress('base', 1, [{ action: 'Allow', source }, deny])],
          networkSets: [set(own)],
        }
        if (action(world, tcp(at.outsider, at.ws1, 10250)) === 'allow') expect(isForgeable(source)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

describe('this tool’s own policies', () => {
  const facts = homeFacts()
  const worlds = [...planStates(facts, homePlan(facts))]
  it('trust no label anybody can forge, in any state', () => {
    const policies = new Map<string, GlobalNetworkPolicy>(worlds.flatMap(({ world }) => world.policies.map((one) => [one.metadata.name, one])))
    expect(policies.size).toBeGreaterThan(4)
    const sides = [...policies.values()].flatMap(({ spec }) => [...(spec.ingress ?? []), ...(spec.egress ?? [])].map(({ source }) => source ?? {}))
    expect(sides.filter(isForgeable)).toEqual([])
  })
})
