import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import type { EntityRule, GlobalNetworkPolicy, Rule } from '../../src/calico/shapes.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts, decide } from '../../src/verdict/verdicts.ts'
import { homeAddresses as at, podOf } from '../fixtures/home-facts.ts'
import { bare, gateSelector, globalSet, ingress, namespacedSet, onAll, policy } from './world-builder.ts'

const places = [at.windowsClient, at.outsider, at.operator, at.control1, at.ws1, at.ws2, podOf(0), podOf(2)]
const targets = [...places.slice(3), at.ingressVip, at.apiVip, parseAddress('10.233.0.1'), parseAddress('127.0.0.1')]
const connection: fc.Arbitrary<Connection> = fc.record({
  source: fc.constantFrom(...places),
  destination: fc.constantFrom(...targets),
  protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
  port: fc.constantFrom(22, 80, 443, 2379, 7443, 9100, 10250, 31110, 31852),
})

const nets = fc.subarray(['192.168.218.0/24', '192.168.218.53/32', '10.233.64.0/18', '203.0.113.0/24', '0.0.0.0/1', '127.0.0.0/8'], {
  minLength: 1,
  maxLength: 3,
})
const side: fc.Arbitrary<EntityRule> = fc.oneof(
  fc.constant({}),
  nets.map((list) => ({ nets: list })),
  nets.map((list) => ({ notNets: list })),
  fc.constantFrom({ selector: 'has(fw)' }, { selector: "app == 'x'" }, { selector: `${keys.set} == 'nodes'`, namespaceSelector: 'global()' }),
)
const rule = (action: fc.Arbitrary<Rule['action']>): fc.Arbitrary<Rule> => fc.record({ action, source: side, destination: side })
const rules = (action: fc.Arbitrary<Rule['action']>) => fc.array(rule(action), { maxLength: 4 })
const nodes = globalSet('nodes', { [keys.set]: 'nodes' }, ['192.168.218.171/32', '192.168.218.174/31'])
const worlds = (policies: GlobalNetworkPolicy[], sets: World['networkSets'] = []): World => ({
  ...bare,
  policies,
  networkSets: [nodes, ...sets],
  hostEndpoints: onAll(),
})

describe('preDNAT policies that only allow', () => {
  it('deny nothing on HostEndpoints with the built-in profile', () => {
    fc.assert(
      fc.property(rules(fc.constantFrom('Allow', 'Log', 'Pass')), rules(fc.constant('Allow')), connection, (one, two, asked) => {
        const before = decide(bare, asked).action
        const after = decide(worlds([ingress('one', 1, one), ingress('two', 2, two)]), asked).action
        if (before === 'allow') expect(after).toBe('allow')
        else expect(['allow', before]).toContain(after)
      }),
      { numRuns: 100 },
    )
  })
})

const anyAction = fc.constantFrom<Rule['action']>('Allow', 'Deny', 'Pass', 'Log')
const gateSet = namespacedSet('calico-fw', { [keys.gate]: '1' })
const gate = ingress('gate', 5, [{ action: 'Deny', source: { selector: gateSelector } }])

describe('the gate', () => {
  it('deleting its set never turns an allow into a deny, whatever else is in force', () => {
    fc.assert(
      fc.property(rules(anyAction), rules(anyAction), connection, (before, after, asked) => {
        const policies = [
          ingress('before', 1, before),
          gate,
          ingress('after', 9, after),
          policy('egress', { order: 1, selector: 'has(fw)', types: ['Egress'], egress: [{ action: 'Allow' }] }),
        ]
        const armed = decide(worlds(policies, [gateSet]), asked).action
        fc.pre(armed === 'allow')
        expect(decide(worlds(policies), asked).action).toBe('allow')
      }),
      { numRuns: 100 },
    )
  })
  it('opens all it closed when nothing else denies', () => {
    fc.assert(
      fc.property(rules(fc.constant('Allow')), connection, (allows, asked) => {
        const isPod = asked.source.startsWith('10.233.')
        fc.pre(!isPod && decide(bare, asked).action === 'allow')
        expect(decide(worlds([ingress('allows', 1, allows), gate]), asked).action).toBe('allow')
      }),
      { numRuns: 100 },
    )
  })
})

describe('a verdict', () => {
  it('is never a guess and never empty: unknown says why, deny names who denied', () => {
    fc.assert(
      fc.property(rules(anyAction), connection, (list, asked) => {
        const { action, decisions } = createVerdicts(worlds([ingress('rules', 1, list), gate], [gateSet]))(asked)
        const last = decisions.at(-1)
        expect(last).toBeDefined()
        expect(last?.text.startsWith('unknown: ')).toBe(action === 'unknown')
        if (action === 'deny') expect(['preDNAT', 'normal', 'forward', 'profile', 'service', 'route']).toContain(last?.stage)
      }),
      { numRuns: 100 },
    )
  })
})
