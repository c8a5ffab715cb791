import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { AllowEntry } from '../../src/firewall/file/host-firewall.ts'
import { allowPolicies } from '../../src/firewall/objects/allow-policy.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { objectsOf } from '../../src/firewall/plan/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homePlan, withNode } from './home-plan.ts'

const text = (of: Plan): string => stringify(of, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false })

/** The same facts with every list in another order. */
const shuffled = (value: unknown, next: () => number): unknown => {
  if (Array.isArray(value)) return inAnyOrder(value, next).map((item) => shuffled(item, next))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(inAnyOrder(Object.entries(value), next).map(([key, field]) => [key, shuffled(field, next)]))
}

const inAnyOrder = <Item>(items: readonly Item[], next: () => number): Item[] =>
  items
    .map((item) => ({ item, at: next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)

describe('the plan of the home cluster', () => {
  it('is the golden one', async () => {
    await expect(text(homePlan())).toMatchFileSnapshot('golden/home-plan.yaml')
  })

  it('has the same bytes for the same facts in any order', () => {
    const facts = homeFacts()
    const expected = text(homePlan(facts))
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (random) => {
        // Addresses of a node, sources of failsafes and ports keep their order in the cluster; everything else is a set.
        const mixed = shuffled(facts, () => random.next().value) as Facts
        expect(text(homePlan({ ...mixed, failsafes: facts.failsafes }))).toBe(expected)
      }),
      { numRuns: 25 },
    )
  })

  it('writes no /0, and every policy with its types and an order of its own', () => {
    const objects = objectsOf(homePlan())
    expect(JSON.stringify(objects)).not.toMatch(/\/0"/)
    const policies = objects.filter(({ kind }) => kind === 'GlobalNetworkPolicy').map((one) => one['spec'] as { types: string[]; order: number })
    expect(policies.map(({ types }) => types)).toEqual(policies.map(() => ['Ingress']))
    expect(new Set(policies.map(({ order }) => order)).size).toBe(policies.length)
  })
})

describe('flavours', () => {
  it.each([
    ['native', 'projectcalico.org/v3'],
    ['aggregated', 'crd.projectcalico.org/v1'],
  ] as const)('%s: both switches are written as %s, all else as v3', (flavour, group) => {
    const facts = homeFacts()
    const made = homePlan({ ...facts, calico: { ...facts.calico, flavour } })
    expect([made.gate.set.apiVersion, made.openSet.apiVersion]).toEqual([group, group])
    const others = objectsOf(made).filter((one) => one !== made.gate.set && one !== made.openSet && one.apiVersion.includes('projectcalico'))
    expect([...new Set(others.map(({ apiVersion }) => apiVersion))]).toEqual(['projectcalico.org/v3'])
    expect(made.probes.some(({ id }) => id === 'api-service/v3.projectcalico.org')).toBe(flavour === 'aggregated')
  })

  it('the nodes Service stands where calico-node does, and the base policy asks it there', () => {
    const facts = homeFacts()
    const made = homePlan({ ...facts, calico: { ...facts.calico, namespace: 'kube-system', nodePodLabels: { b: '2', a: '1' } } })
    expect(made.sets.find(({ kind }) => kind === 'Service')).toMatchObject({
      metadata: { namespace: 'kube-system' },
      spec: { clusterIP: 'None', selector: { a: '1', b: '2' }, publishNotReadyAddresses: true },
    })
    expect(JSON.stringify(made.policies[0])).toContain('{"services":{"name":"calico-fw-nodes","namespace":"kube-system"}}')
  })
})

describe('sets', () => {
  it("hold every address of every node, NotReady ones too, and API addresses that are no node's", () => {
    const facts = withNode(homeFacts(), nodeName('ws4'), {
      ready: false,
      addresses: [
        { type: 'InternalIP', address: parseAddress('192.168.218.177') },
        { type: 'ExternalIP', address: parseAddress('198.51.100.7') },
        { type: 'InternalIP', address: parseAddress('2001:db8::177') },
      ],
      otherAddresses: [{ address: parseAddress('10.233.68.1'), source: 'annotation projectcalico.org/IPv4VXLANTunnelAddr' }],
      interfaces: [
        { name: 'lo', addresses: [parseAddress('127.0.0.1'), parseAddress('::1')], source: 'ip' },
        { name: 'eth1', addresses: [parseAddress('172.16.0.4')], source: 'ip' },
      ],
    })
    const nodes = homePlan(facts).sets.find(({ kind, metadata }) => kind === 'GlobalNetworkSet' && metadata.name === 'calico-fw-nodes')
    expect(nodes?.['spec']).toEqual({
      nets: [
        '10.233.68.1/32',
        '172.16.0.4/32',
        '192.168.218.171/32',
        '192.168.218.174/32',
        '192.168.218.175/32',
        '192.168.218.176/32',
        '192.168.218.177/32',
        '192.168.218.189/32',
        '198.51.100.7/32',
        '2001:db8::177/128',
      ],
    })
  })

  it('may be empty of networks', () => {
    const made = homePlan({ ...homeFacts(), podCidrs: [], serviceCidrs: [] }, { trustedNets: [] })
    expect(made.sets.find(({ metadata }) => metadata.name === 'calico-fw-trusted')?.['spec']).toEqual({ nets: [] })
  })
})

describe('allow entries', () => {
  const rulesOf = (made: Plan, name: string) =>
    made.policies
      .filter(({ metadata }) => metadata.name.startsWith(`calico-fw-allow-${name}`))
      .map((one) => (one['spec'] as { ingress: unknown[] }).ingress)

  it('go to the set of nodes, by family, never without a destination', () => {
    const made = homePlan(homeFacts(), {
      allow: [
        {
          name: 'mixed',
          to: { nets: [parseCidr('10.0.0.1/32'), parseCidr('2001:db8::1/128')] },
          from: { nets: [parseCidr('10.1.0.0/16'), parseCidr('2001:db8:1::/48')] },
          traffic: [
            { protocol: 'TCP', ports: [{ first: 80, last: 90 }] },
            { protocol: 'UDP', ports: [] },
          ],
        },
        { name: 'nodes', to: { nodes: true }, traffic: [{ protocol: 'SCTP', ports: [{ first: 9, last: 9 }] }] },
      ],
    })
    expect(rulesOf(made, 'mixed')).toEqual([
      [
        { action: 'Allow', protocol: 'TCP', source: { nets: ['10.1.0.0/16'] }, destination: { nets: ['10.0.0.1/32'], ports: ['80:90'] } },
        { action: 'Allow', protocol: 'TCP', source: { nets: ['2001:db8:1::/48'] }, destination: { nets: ['2001:db8::1/128'], ports: ['80:90'] } },
        { action: 'Allow', protocol: 'UDP', source: { nets: ['10.1.0.0/16'] }, destination: { nets: ['10.0.0.1/32'] } },
        { action: 'Allow', protocol: 'UDP', source: { nets: ['2001:db8:1::/48'] }, destination: { nets: ['2001:db8::1/128'] } },
      ],
    ])
    expect(rulesOf(made, 'nodes')).toEqual([
      [
        {
          action: 'Allow',
          protocol: 'SCTP',
          destination: { selector: "calico-fw.github.io/set == 'nodes'", namespaceSelector: 'global()', ports: [9] },
        },
      ],
    ])
  })

  it('are cut at 256 nets and 1024 rules, and at 15 ports where both sides are nets, and lose nothing', () => {
    const nets = Array.from({ length: 600 }, (_, at) => parseCidr(`10.${at >> 8}.${at & 255}.0/24`))
    const ports = Array.from({ length: 120 * 50 }, (_, at) => ({ first: 2 * at + 1, last: 2 * at + 1 }))
    let order = 300
    const entry: AllowEntry = { name: 'large', to: { nets }, from: { nets }, traffic: [{ protocol: 'TCP', ports }] }
    const made = allowPolicies(entry, () => order++)
    const rules = made.map(({ spec }) => spec.ingress ?? [])
    expect(rules.map((some) => some.length)).toEqual([1024, 1024, 1024, 528])
    expect(rules.flat()).toHaveLength(3 * 3 * 400)
    for (const { source, destination } of rules.flat()) {
      expect(source?.nets?.length).toBeLessThanOrEqual(256)
      expect(destination?.nets?.length).toBeLessThanOrEqual(256)
      expect(destination?.ports).toHaveLength(15)
    }
    expect(new Set(rules.flat().flatMap(({ destination }) => destination?.ports)).size).toBe(6000)
    expect(new Set(rules.flat().flatMap(({ source }) => source?.nets)).size).toBe(600)
    expect(made.map(({ metadata, spec }) => [metadata.name, spec.order])).toEqual([
      ['calico-fw-allow-large', 300],
      ['calico-fw-allow-large--2', 301],
      ['calico-fw-allow-large--3', 302],
      ['calico-fw-allow-large--4', 303],
    ])
  })
})
