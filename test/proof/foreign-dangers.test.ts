import { describe, expect, it } from 'vitest'
import { keys, ownLabels } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, PolicySpec, Tier } from '../../src/calico/shapes.ts'
import { foreignDangers } from '../../src/proof/foreign-dangers.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)
const plannedHostEndpoints = plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints)
const tier = (name: string, defaultAction: 'Deny' | 'Pass'): Tier => ({
  apiVersion: v3,
  kind: 'Tier',
  metadata: { name },
  spec: { order: 5, defaultAction },
})
const tiers = [...facts.tiers, tier('strict', 'Deny'), tier('lax', 'Pass')]
const policy = (spec: PolicySpec, labels: Record<string, string> = {}): GlobalNetworkPolicy => ({
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name: 'foreign', labels },
  spec,
})
const dangers = (more: { policies?: readonly GlobalNetworkPolicy[]; hostEndpoints?: readonly HostEndpoint[] }) =>
  foreignDangers({ plannedHostEndpoints, policies: [], hostEndpoints: [], tiers, ...more })

describe('a cluster with nothing of others', () => {
  it('holds no danger, nor do the plan’s own policies', () => {
    expect(dangers({})).toEqual([])
    expect(dangers({ policies: plan.policies as GlobalNetworkPolicy[], hostEndpoints: plannedHostEndpoints as HostEndpoint[] })).toEqual([])
  })
  it('pods’ policies are none: they select what no HostEndpoint carries', () => {
    const forPods: PolicySpec[] = [
      { selector: "app == 'web'", types: ['Ingress'], ingress: [{ action: 'Deny' }] },
      { namespaceSelector: 'all()', types: ['Ingress'], ingress: [{ action: 'Deny' }] },
      { selector: 'has(projectcalico.org/namespace)', types: ['Egress'], egress: [] },
      { selector: 'all()', serviceAccountSelector: "role == 'x'", types: ['Egress'], egress: [{ action: 'Deny' }] },
    ]
    expect(dangers({ policies: forPods.map((spec) => policy(spec)) })).toEqual([])
  })
})

describe('a foreign policy', () => {
  const dangerous: readonly [string, PolicySpec][] = [
    ['all() with a Deny', { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Deny' }] }],
    ['an empty selector means all()', { types: ['Egress'], egress: [{ action: 'Deny', protocol: 'UDP' }] }],
    ['without a rule: its tier drops the rest', { selector: 'all()', types: ['Ingress'], ingress: [] }],
    [
      'that only allows something: its tier drops the rest',
      { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Allow', source: { nets: ['10.0.0.0/8'] } }] },
    ],
    [
      'a namespace label negated, which HostEndpoints satisfy',
      { selector: "projectcalico.org/namespace not in {'kube-system'}", types: ['Ingress'], ingress: [] },
    ],
    [
      'a preDNAT Deny',
      { selector: 'all()', preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Deny', source: { nets: ['10.0.0.0/8'] } }] },
    ],
    ['apply-on-forward', { selector: 'all()', applyOnForward: true, types: ['Ingress'], ingress: [] }],
    ['doNotTrack', { selector: 'all()', doNotTrack: true, applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Allow' }] }],
    ['in a tier that drops', { tier: 'strict', selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Allow', protocol: 'TCP' }] }],
    ['a Deny in a tier that passes', { tier: 'lax', selector: 'all()', types: ['Egress'], egress: [{ action: 'Deny', protocol: 'UDP' }] }],
    ['in a tier nobody made', { tier: 'ghost', selector: 'all()', types: ['Ingress'], ingress: [] }],
    ['without types: both directions', { selector: 'all()', ingress: [{ action: 'Allow' }] }],
    ['by the labels the file puts on HostEndpoints', { selector: "node-endpoint == 'home'", types: ['Ingress'], ingress: [{ action: 'Deny' }] }],
    ['by our own run label', { selector: `has(${keys.run})`, types: ['Ingress'], ingress: [{ action: 'Deny' }] }],
    ['whose selector nobody can read', { selector: 'a =', types: ['Ingress'], ingress: [{ action: 'Allow' }] }],
  ]
  it.each(dangerous)('%s: refused by name, with the way out', (_, spec) => {
    const [found, ...rest] = dangers({ policies: [policy(spec)] })
    expect(rest).toEqual([])
    expect(found).toMatchObject({
      object: 'GlobalNetworkPolicy foreign',
      why: expect.stringContaining('the gate cannot undo that'),
      remedy: expect.stringContaining('kubectl edit globalnetworkpolicy foreign'),
    })
  })

  const harmless: readonly [string, PolicySpec][] = [
    ['that allows everything', { selector: 'all()', types: ['Egress'], egress: [{ action: 'Allow' }] }],
    ['that logs and passes', { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Log' }, { action: 'Pass' }] }],
    [
      'that only allows before DNAT',
      { selector: 'all()', preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Allow', protocol: 'TCP' }] },
    ],
    ['a Deny nobody reaches', { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Allow' }, { action: 'Deny' }] }],
    [
      'that only allows in a tier that passes',
      { tier: 'lax', selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Allow', protocol: 'TCP' }] },
    ],
    ['on other HostEndpoints', { selector: "node-endpoint == 'office'", types: ['Ingress'], ingress: [{ action: 'Deny' }] }],
  ]
  it.each(harmless)('%s: none', (_, spec) => {
    expect(dangers({ policies: [policy(spec)] })).toEqual([])
  })

  it('a narrow one is none beside one of the same tier that allows all', () => {
    const narrow = policy({ selector: 'all()', types: ['Egress'], egress: [{ action: 'Allow', protocol: 'TCP' }] })
    const wide = { ...policy({ selector: 'all()', types: ['Egress'], egress: [{ action: 'Allow' }] }), metadata: { name: 'wide' } }
    expect(dangers({ policies: [narrow, wide] })).toEqual([])
    expect(dangers({ policies: [narrow] })).toHaveLength(1)
  })
  it('the tutorial’s: its Deny governs node-endpoint: home, its egress Allow is none', () => {
    expect(dangers({ policies: tutorialPolicies }).map(({ object }) => object)).toEqual(['GlobalNetworkPolicy default-rules'])
  })
  it('the tutorial’s: refused for its Deny, for the partition of its rollout and for the label a tenant can forge', () => {
    const [found] = dangers({ policies: tutorialPolicies })
    expect(found?.why).toContain('rule ingress[3] denies')
    expect(found?.why).toContain('rule ingress[1] knows nodes by the labels of their HostEndpoints')
    expect(found?.why).toContain("rule ingress[1] lets in whoever carries a label (node-endpoint == 'home')")
  })
})

describe('a Deny of ours', () => {
  it('that already names the run is a leftover; one of other runs is none', () => {
    const deny = (runs: string) =>
      policy(
        { selector: `${keys.run} in {${runs}}`, preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Deny' }] },
        ownLabels({ [keys.policy]: 'deny' }),
      )
    expect(dangers({ policies: [deny("'7'")] })).toEqual([])
    expect(dangers({ policies: [deny("'1', '7'")] })[0]?.remedy).toContain('kubectl delete globalnetworkpolicy foreign')
  })
})

describe('another HostEndpoint', () => {
  const [first] = tutorialHostEndpoints(facts.nodes)
  const with_ = (spec: Partial<HostEndpoint['spec']>): HostEndpoint[] => (first === undefined ? [] : [{ ...first, spec: { ...first.spec, ...spec } }])
  const withoutName: HostEndpoint[] =
    first === undefined ? [] : [{ ...first, spec: { node: first.spec.node, expectedIPs: first.spec.expectedIPs ?? [] } }]
  it.each([
    ['on the same node and interface', with_({})],
    ['of every interface', with_({ interfaceName: '*' })],
    ['by the same address', withoutName],
  ])('%s: refused', (_, hostEndpoints) => {
    expect(dangers({ hostEndpoints })).toEqual([
      expect.objectContaining({
        object: 'HostEndpoint control1-ens160',
        remedy: expect.stringContaining('kubectl calico-fw adopt'),
      }),
    ])
  })
  it.each([
    ['on another interface', with_({ interfaceName: 'ens192' })],
    ['on another node', with_({ node: 'other' })],
  ])('%s: none', (_, hostEndpoints) => {
    expect(dangers({ hostEndpoints })).toEqual([])
  })
})

describe('a profile nobody answers to', () => {
  it('on a HostEndpoint of ours, planned or read back, is refused', () => {
    const [planned] = plannedHostEndpoints as HostEndpoint[]
    const misspelt = planned === undefined ? [] : [{ ...planned, spec: { ...planned.spec, profiles: ['projectcalico-default-alow'] } }]
    expect(foreignDangers({ plannedHostEndpoints: misspelt, policies: [], hostEndpoints: [], tiers })).toHaveLength(1)
    expect(dangers({ hostEndpoints: misspelt })[0]?.why).toContain('projectcalico-default-alow')
  })
})
