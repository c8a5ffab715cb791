import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rule } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { AllowEntry, HostFirewall } from '../../src/firewall/file/host-firewall.ts'
import { entryRules } from '../../src/firewall/objects/allow-policy.ts'
import { diffObjects } from '../../src/firewall/objects/same-spec.ts'
import { narrows } from '../../src/firewall/plan/narrowing.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { allowEntry } from './arbitrary-firewall.ts'
import { afterPlan } from './closed-facts.ts'
import { homeFirewall } from './home-firewall.ts'

type Spec = Partial<HostFirewall['spec']>
const plan = (facts: Facts, change: number, spec: Spec = {}): Plan => makePlan({ firewall: homeFirewall(spec), facts, change, windowSeconds: 90 })
const closed = (spec: Spec = {}): Facts => afterPlan(homeFacts(), plan(homeFacts(), 1, spec))
const refs = (of: Plan): string[] => of.finish.remove.map(({ kind, name }) => `${kind} ${name}`)
const namesOf = (objects: readonly { readonly metadata: { readonly name: string } }[]): string[] => objects.map(({ metadata }) => metadata.name)
const rulesOf = (of: Plan, name: string): readonly Rule[] =>
  (of.policies.find(({ metadata }) => metadata.name === name)?.['spec'] as { ingress: Rule[] } | undefined)?.ingress ?? []
const written = (of: Plan): string[] => of.batches.flatMap(({ nodes }) => nodes)
const { allow } = homeFirewall().spec
const app1: AllowEntry = { name: 'app1', to: { nodes: true }, traffic: [{ protocol: 'TCP', ports: [{ first: 31110, last: 31110 }] }] }

describe('the same file again', () => {
  it('writes nothing: no batch, no gate, no failsafes, every object as it stands', () => {
    const facts = closed()
    const again = plan(facts, 2)
    expect([again.batches, again.failsafes, again.finish]).toEqual([[], undefined, { write: [], remove: [] }])
    expect(
      diffObjects([...facts.policies, ...facts.own], [...again.sets, ...again.policies, again.deny]).filter(({ change }) => change !== 'none'),
    ).toEqual([])
  })

  it('says the same for any firewall, in any order of its entries', () => {
    fc.assert(
      fc.property(fc.uniqueArray(allowEntry, { minLength: 1, maxLength: 4, selector: ({ name }) => name }), (entries) => {
        const facts = closed({ allow: entries })
        const again = plan(facts, 2, { allow: [...entries].reverse() })
        expect([again.batches, again.finish]).toEqual([[], { write: [], remove: [] }])
        expect(diffObjects(facts.policies, again.policies).filter(({ change }) => change !== 'none')).toEqual([])
      }),
      { numRuns: 20 },
    )
  })
})

describe('a firewall in force', () => {
  it('gets wider without any HostEndpoint being written', () => {
    const wider = plan(closed(), 2, { allow: [...allow, app1], trustedNets: [parseCidr('10.233.0.0/16'), parseCidr('192.168.7.0/24')] })
    expect([wider.batches, wider.finish]).toEqual([[], { write: [], remove: [] }])
    expect(namesOf(wider.policies)).toEqual(['calico-fw-base', 'calico-fw-allow-ingress', 'calico-fw-allow-api-vip', 'calico-fw-allow-app1'])
    expect(wider.differences).toContainEqual({ change: 'opens', what: '31110/tcp on every node', forWhom: 'everyone', because: 'allow entry app1' })
  })

  it('a new node is closed in a run of its own; the old ones stay, and the Deny names both runs', () => {
    const facts = closed()
    const [template] = facts.nodes
    if (template === undefined) throw new Error('no node')
    const address = parseAddress('192.168.218.178')
    const joined = {
      ...template,
      name: nodeName('ws5'),
      controlPlane: false,
      addresses: [{ type: 'InternalIP' as const, address }],
      interfaces: [{ name: 'ens160', addresses: [address], source: 'x' }],
    }
    const next = plan({ ...facts, nodes: [...facts.nodes, joined] }, 2)
    expect(written(next)).toEqual([nodeName('ws5')])
    expect(next.deny['spec']).toMatchObject({ selector: "calico-fw.github.io/run in {'1', '2'}" })
    expect(next.policies.at(-1)).toMatchObject({ metadata: { name: 'calico-fw-gate-2' }, spec: { order: 400.002, ingress: [{ action: 'Deny' }] } })
  })

  it('a node that is NotReady keeps its HostEndpoint and its run', () => {
    const facts = closed()
    const down = { ...facts, nodes: facts.nodes.map((node) => (node.name === nodeName('ws4') ? { ...node, ready: false } : node)) }
    const narrower = plan(down, 2, { allow: allow.slice(1) })
    expect(written(narrower)).not.toContain(nodeName('ws4'))
    expect(refs(narrower)).not.toContain(`HostEndpoint ${nodeName('ws4')}-ens160`)
    expect(narrower.deny['spec']).toMatchObject({ selector: "calico-fw.github.io/run in {'1', '2'}" })
  })

  it('interfaces that are no longer wanted, and nodes that are gone, lose their HostEndpoints at the end', () => {
    const facts = closed()
    const gone = { ...facts, nodes: facts.nodes.filter(({ name }) => name !== nodeName('ws4')) }
    const next = plan(gone, 2)
    expect(next.batches).toEqual([])
    expect(refs(next)).toEqual([`HostEndpoint ${nodeName('ws4')}-ens160`])
    expect(namesOf(next.finish.write)).toEqual(['calico-fw-nodes'])
    expect(JSON.stringify(next.sets)).toContain('192.168.218.177/32')
    expect(JSON.stringify(next.finish.write)).not.toContain('192.168.218.177/32')
  })

  it('a HostEndpoint somebody changed is closed anew under the gate', () => {
    const facts = closed()
    const hostEndpoints = facts.hostEndpoints.map((one) =>
      one.metadata.name.startsWith('ws1') ? { ...one, spec: { ...one.spec, profiles: [] } } : one,
    )
    expect(written(plan({ ...facts, hostEndpoints }, 2))).toEqual([nodeName('ws1')])
  })
})

describe('a firewall that gets narrower', () => {
  it.each<[string, Spec, string[], string[]]>([
    ['an entry goes', { allow: allow.slice(1) }, [], ['GlobalNetworkPolicy calico-fw-allow-ingress']],
    [
      'a port goes',
      { allow: [{ ...(allow[0] as AllowEntry), traffic: [{ protocol: 'TCP', ports: [{ first: 80, last: 80 }] }] }, ...allow.slice(1)] },
      ['calico-fw-allow-ingress'],
      [],
    ],
    [
      'sources are named',
      { allow: [{ ...(allow[0] as AllowEntry), from: { nets: [parseCidr('192.168.218.53/32')] } }, ...allow.slice(1)] },
      ['calico-fw-allow-ingress'],
      [],
    ],
    ['a trusted network goes', { trustedNets: [] }, ['calico-fw-trusted'], []],
    ['pings are for trusted networks', { icmp: 'trusted' }, ['calico-fw-base'], []],
  ])('%s: it is tried on every node under the gate, and written by the commit alone', (_, spec, write, remove) => {
    const facts = closed()
    const next = plan(facts, 2, spec)
    expect(written(next)).toHaveLength(5)
    expect(next.deny['spec']).toMatchObject({ selector: "calico-fw.github.io/run in {'2'}" })
    expect([namesOf(next.finish.write), refs(next)]).toEqual([write, remove])
    const before = [...facts.policies.filter(({ metadata }) => /base|allow/.test(metadata.name)).flatMap((one) => one.spec.ingress ?? [])]
    const during = [...before.filter((rule) => rule.action === 'Allow')]
    const stage2 = next.policies.filter(({ metadata }) => /base|allow/.test(metadata.name))
    const kept = facts.policies.filter(({ metadata }) => !namesOf(stage2).includes(metadata.name))
    expect(
      narrows(
        during,
        [...stage2, ...kept].flatMap((one) => (one['spec'] as { ingress: Rule[] }).ingress),
      ),
    ).toBe(false)
    const gate = next.policies.at(-1)
    expect(gate).toMatchObject({ metadata: { name: 'calico-fw-gate-2' }, spec: { order: 50.002, selector: "calico-fw.github.io/run == '2'" } })
    const trial = rulesOf(next, 'calico-fw-gate-2')
    expect(trial[0]).toEqual({ action: 'Deny', destination: { nets: ['127.0.0.0/8'] } })
    expect(trial.at(-1)).toEqual({
      action: 'Deny',
      source: { selector: "projectcalico.org/namespace == 'calico-fw' && calico-fw.github.io/gate == '2'" },
    })
    expect(trial).toContainEqual({ action: 'Allow', source: { selector: "calico-fw.github.io/set == 'nodes'", namespaceSelector: 'global()' } })
  })

  it('once committed, the same file again writes nothing', () => {
    const spec = { allow: allow.slice(1), trustedNets: [] }
    const facts = afterPlan(closed(), plan(closed(), 2, spec))
    const again = plan(facts, 3, spec)
    expect([again.batches, again.finish]).toEqual([[], { write: [], remove: [] }])
    expect(namesOf(facts.policies).sort()).toEqual(['calico-fw-allow-api-vip', 'calico-fw-base', 'calico-fw-deny'])
    expect(
      diffObjects(
        [...facts.policies, ...facts.networkSets],
        [...again.policies, ...again.sets.filter(({ kind }) => kind === 'GlobalNetworkSet')],
      ).filter(({ change }) => change !== 'none'),
    ).toEqual([])
  })

  it('says what closes', () => {
    expect(plan(closed(), 2, { allow: allow.slice(1) }).differences[0]).toEqual({
      change: 'closes',
      what: 'what allow entry ingress opened beyond the file',
      forWhom: 'everyone but nodes, pods and trusted networks',
      because: 'the file no longer allows it',
    })
  })
})

describe('a run that expired', () => {
  const expired = afterPlan(homeFacts(), plan(homeFacts(), 1, { allow: [...allow, app1] }), { committed: false })

  it('leaves HostEndpoints that get the new run, never the old one into the Deny', () => {
    const next = plan(expired, 2)
    expect(written(next)).toHaveLength(5)
    expect(next.deny['spec']).toMatchObject({ selector: "calico-fw.github.io/run in {'2'}" })
  })

  it('leaves allows that are emptied before anything closes, and gates that go', () => {
    const next = plan(expired, 2)
    expect(rulesOf(next, 'calico-fw-allow-app1')).toEqual([])
    expect(refs(next)).toEqual(['GlobalNetworkPolicy calico-fw-allow-app1', 'GlobalNetworkPolicy calico-fw-gate-1'])
  })
})

describe('narrows', () => {
  it('never says no where something is lost', () => {
    const two = fc.tuple(fc.array(allowEntry, { maxLength: 3 }), fc.array(allowEntry, { maxLength: 3 }))
    fc.assert(
      fc.property(two, ([old, now]) => {
        const [before, after] = [old.flatMap(entryRules), [...old, ...now].flatMap(entryRules)]
        expect(narrows(before, after)).toBe(false)
        expect(narrows([{ action: 'Allow', protocol: 'TCP', destination: { nets: ['203.0.113.77/32'], ports: [1] } }], after)).toBe(true)
      }),
    )
  })

  const rule = (source: string[] | undefined, destination: string[], ports?: (number | string)[]): Rule => ({
    action: 'Allow',
    protocol: 'TCP',
    ...(source === undefined ? {} : { source: { nets: source } }),
    destination: { nets: destination, ...(ports === undefined ? {} : { ports }) },
  })
  it.each<[string, Rule, Rule[], boolean]>([
    ['the same', rule(undefined, ['10.0.0.0/8'], [80]), [rule(undefined, ['10.0.0.0/8'], [80])], false],
    ['a wider destination', rule(undefined, ['10.1.0.0/16'], [80]), [rule(undefined, ['10.0.0.0/8'], [80])], false],
    ['a narrower destination', rule(undefined, ['10.0.0.0/8'], [80]), [rule(undefined, ['10.1.0.0/16'], [80])], true],
    ['a range that holds the port', rule(undefined, ['10.0.0.0/8'], [80]), [rule(undefined, ['10.0.0.0/8'], ['70:90'])], false],
    ['a port out of a range', rule(undefined, ['10.0.0.0/8'], ['70:90']), [rule(undefined, ['10.0.0.0/8'], [80])], true],
    ['all ports', rule(undefined, ['10.0.0.0/8'], [80]), [rule(undefined, ['10.0.0.0/8'])], false],
    ['some ports of all', rule(undefined, ['10.0.0.0/8']), [rule(undefined, ['10.0.0.0/8'], [80])], true],
    ['sources named', rule(undefined, ['10.0.0.0/8']), [rule(['10.0.0.0/8'], ['10.0.0.0/8'])], true],
    ['sources no longer named', rule(['10.0.0.0/8'], ['10.0.0.0/8']), [rule(undefined, ['10.0.0.0/8'])], false],
    [
      'lists cut elsewhere',
      rule(['10.0.0.0/24', '10.0.1.0/24'], ['10.0.0.0/8']),
      [rule(['10.0.0.0/24'], ['10.0.0.0/8']), rule(['10.0.1.0/24'], ['10.0.0.0/8'])],
      false,
    ],
    ['another protocol', rule(undefined, ['10.0.0.0/8']), [{ ...rule(undefined, ['10.0.0.0/8']), protocol: 'UDP' }], true],
    ['a Deny is no loss', { action: 'Deny' }, [], false],
    ['a Deny is no cover', rule(undefined, ['10.0.0.0/8']), [{ ...rule(undefined, ['10.0.0.0/8']), action: 'Deny' }], true],
  ])('%s', (_, old, now, expected) => {
    expect(narrows([old], now)).toBe(expected)
  })
})
