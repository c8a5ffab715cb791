import { describe, expect, test } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import type { GlobalNetworkPolicy, HostEndpoint, PolicySpec, Rule } from '../../src/calico/shapes.ts'
import { adoptedFirewall } from '../../src/firewall/adoption/adopted-firewall.ts'
import { type RuleMeaning, ruleMeaning } from '../../src/firewall/adoption/adopted-rule.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { formatHostFirewall } from '../../src/firewall/file/firewall-text.ts'
import { nodeAddresses } from '../../src/firewall/objects/network-sets.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { foreignDangers } from '../../src/proof/foreign-dangers.ts'
import { planPackets } from '../../src/proof/plan-packets.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { packetsText } from '../../src/ui/packets-text.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { homeFirewall } from './home-firewall.ts'

const bare = homeFacts()
const tutorial: Facts = { ...bare, hostEndpoints: tutorialHostEndpoints(bare.nodes), policies: tutorialPolicies }

const adopt = (facts: Facts, workloads: readonly Record<string, string>[] = []) => {
  const read = adoptedFirewall(facts, 'home')
  if (read === undefined) throw new Error('nothing to adopt')
  return { ...read, plan: makePlan({ firewall: read.firewall, facts, change: 1, windowSeconds: 90, adopting: { workloads } }) }
}
const onTrial = (plan: Plan) => plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints)
const dangers = (facts: Facts, plan: Plan) =>
  foreignDangers({ ...facts, plannedHostEndpoints: onTrial(plan), policies: [...facts.policies, ...(plan.policies as GlobalNetworkPolicy[])] }).map(
    ({ object }) => object,
  )
const policy = (name: string, spec: PolicySpec): GlobalNetworkPolicy => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec: { selector: "node-endpoint == 'home'", types: ['Ingress'], ...spec },
})

describe("the tutorial's own firewall", () => {
  const { firewall, leftOut, plan } = adopt(tutorial)

  test('is the home file but for its labels, and says what the file cannot', () => {
    const { interfaces, allow, ...rest } = homeFirewall().spec
    expect(firewall.spec).toEqual({
      ...rest,
      interfaces: interfaces.map((one) => ({ ...one, labels: {} })),
      allow: allow.map((entry, at) => ({ ...entry, name: ['allow-rules', 'allow-rules-2'][at] })),
      extraFailsafePorts: { inbound: [], outbound: [] },
    })
    expect(parseHostFirewall(formatHostFirewall(firewall), 'adopted.yaml')).toEqual(firewall)
    expect(leftOut).toEqual(['GlobalNetworkPolicy default-rules, ingress[2]: 127.0.0.0/8 stays closed to packets that come in by wire'])
  })

  test('is taken over in no state that cuts a lifeline, and nothing of theirs is a danger', () => {
    const proof = provePlan({ facts: tutorial, plan })
    expect(proof.scope.states).toBeGreaterThan(80)
    expect([proof.refusals, proof.undecided, dangers(tutorial, plan)]).toEqual([[], [], []])
  })

  test('fares otherwise only for what is meant: ICMP, our failsafes, localhost, and the API VIP as a source', () => {
    const told = packetsText(planPackets(tutorial, plan))
    expect(told.filter((text) => text.startsWith('closes')).every((text) => text.includes('on 127.0.0.0/8'))).toBe(true)
    const opened = told.filter((text) => text.startsWith('opens'))
    expect(opened.every((text) => /^opens (TCP 7443; )?ICMP on/.test(text) || text.endsWith('for 192.168.218.189'))).toBe(true)
    expect(opened.length).toBeGreaterThan(1)
  })

  test('goes once ours is kept, all of it', () => {
    expect(plan.adoption?.hostEndpoints).toEqual(tutorial.hostEndpoints)
    expect(plan.adoption?.policies).toEqual(tutorial.policies)
  })

  test('without the word to take it over is refused by name', () => {
    const made = makePlan({ firewall: homeFirewall(), facts: tutorial, change: 1, windowSeconds: 90 })
    expect(dangers(tutorial, made)).toContain('HostEndpoint ws1-ens160')
  })
})

describe('what governs theirs is inherited only behind our gate', () => {
  const { plan } = adopt(tutorial)
  const deny: Rule[] = [{ action: 'Deny' }]
  test.each<[string, PolicySpec, boolean]>([
    ['a Deny behind all others', { order: 900, preDNAT: true, applyOnForward: true, ingress: deny }, false],
    ['one written since, before our gate policy', { order: -5, preDNAT: true, applyOnForward: true, ingress: deny }, true],
    ['one of another tier', { order: 900, tier: 'security', preDNAT: true, applyOnForward: true, ingress: deny }, true],
    ['an untracked one', { order: 900, doNotTrack: true, applyOnForward: true, ingress: deny }, true],
    ['one for our HostEndpoints alone', { order: 900, selector: `has(${keys.run})`, ingress: deny }, true],
  ])('%s', (_, spec, isDanger) => {
    expect(dangers({ ...tutorial, policies: [...tutorial.policies, policy('another', spec)] }, plan)).toEqual(
      isDanger ? ['GlobalNetworkPolicy another'] : [],
    )
  })

  test('not where a HostEndpoint written since stands before the one taken over', () => {
    const [first] = tutorial.hostEndpoints
    if (first === undefined) throw new Error('no HostEndpoint')
    const since: HostEndpoint = { ...first, metadata: { name: 'aaa', labels: {} } }
    expect(dangers({ ...tutorial, hostEndpoints: [...tutorial.hostEndpoints, since] }, plan)).toContain('HostEndpoint aaa')
  })
})

describe('what else there is', () => {
  test('a policy that governs more than these HostEndpoints stays', () => {
    const facts = { ...tutorial, policies: [...tutorial.policies, policy('shared', { order: 30, selector: 'has(app) || has(node-endpoint)' })] }
    const going = (workloads: readonly Record<string, string>[]) =>
      adopt(facts, workloads).plan.adoption?.policies.map(({ metadata }) => metadata.name)
    expect([going([]), going([{ app: 'web' }])]).toEqual([
      ['default-rules', 'allow-outbound-external', 'allow-rules', 'shared'],
      ['default-rules', 'allow-outbound-external', 'allow-rules'],
    ])
  })

  test('one whose name is the one ours gets is tried over, deleted, and written anew', () => {
    const named = tutorial.hostEndpoints.map((one): HostEndpoint => ({ ...one, metadata: { ...one.metadata, name: `${one.spec.node}-ens160` } }))
    const { plan } = adopt({ ...tutorial, hostEndpoints: named })
    const names = (objects: readonly { metadata: { name: string } }[] | undefined) => (objects ?? []).map(({ metadata }) => metadata.name).sort()
    expect(names(onTrial(plan))).toEqual(names(named).map((name) => `0-${name}`))
    expect(names(plan.finish.write)).toEqual(names(named))
    expect(names(plan.adoption?.hostEndpoints)).toEqual(names(named))
  })

  test("Calico's automatic ones stay for the other interfaces: ours carry their labels while they are tried, and none after", () => {
    const automatic = bare.nodes.map(
      ({ name }): HostEndpoint => ({
        apiVersion: 'projectcalico.org/v3',
        kind: 'HostEndpoint',
        metadata: { name: `${name}-auto-hep`, labels: { 'projectcalico.org/created-by': 'calico-kube-controllers', site: 'home' } },
        spec: { node: name, interfaceName: '*', profiles: ['projectcalico-default-allow'] },
      }),
    )
    const facts = { ...bare, hostEndpoints: automatic }
    const { plan } = adopt(facts)
    const [trial] = onTrial(plan)
    const lasting = plan.finish.write.find(({ metadata }) => metadata.name === trial?.metadata.name)
    expect(trial?.metadata.labels).toMatchObject({ site: 'home', [keys.run]: '1' })
    for (const one of [trial, lasting]) expect(one?.metadata.labels).not.toHaveProperty(['projectcalico.org/created-by'])
    expect(lasting?.metadata.labels).not.toHaveProperty('site')
    expect([lasting?.kind, plan.adoption?.hostEndpoints, dangers(facts, plan)]).toEqual(['HostEndpoint', [], []])
    expect(provePlan({ facts, plan }).refusals).toEqual([])
  })
})

describe('a rule of theirs in the file', () => {
  const set = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkSet',
    metadata: { name: 'office', labels: { who: 'office' } },
    spec: { nets: ['203.0.113.7'] },
  }
  const context = { hostEndpoints: tutorial.hostEndpoints, networkSets: [set], nodeAddresses: nodeAddresses(tutorial) }
  const builtIn = { kind: 'built-in' }
  const tcp = (ports: { first: number; last: number }[]) => [{ protocol: 'TCP', ports }]
  test.each<[string, Rule, object]>([
    ['nets alone are trusted', { action: 'Allow', source: { nets: ['10.0.0.5/8'] } }, { kind: 'trust', nets: ['10.0.0.0/8'] }],
    ['nodes by label', { action: 'Allow', source: { selector: "node-endpoint == 'home'" } }, builtIn],
    ['nodes by address', { action: 'Allow', source: { nets: ['192.168.218.174/32', '192.168.218.175'] } }, builtIn],
    ['a set by label', { action: 'Allow', source: { selector: "who == 'office'" } }, { kind: 'trust', nets: ['203.0.113.7/32'] }],
    [
      'nobody by label',
      { action: 'Allow', source: { selector: "who == 'shop'" } },
      { kind: 'left-out', why: expect.stringContaining("who == 'shop'") },
    ],
    ['ICMP', { action: 'Allow', protocol: 'ICMP' }, builtIn],
    [
      'a number for a name',
      { action: 'Allow', protocol: 6, destination: { ports: [22] } },
      { entry: { to: { nodes: true }, traffic: tcp([{ first: 22, last: 22 }]) } },
    ],
    [
      'ports on an address, for some',
      {
        action: 'Allow',
        protocol: 'TCP',
        source: { nets: ['192.168.218.53/32'] },
        destination: { nets: ['192.168.218.180/32'], ports: [80, '8000:8010'] },
      },
      {
        entry: {
          to: { nets: ['192.168.218.180/32'] },
          from: { nets: ['192.168.218.53/32'] },
          traffic: tcp([
            { first: 80, last: 80 },
            { first: 8000, last: 8010 },
          ]),
        },
      },
    ],
    [
      'an address, whatever port',
      { action: 'Allow', destination: { nets: ['192.168.218.180/32'] } },
      { entry: { to: { nets: ['192.168.218.180/32'] } } },
    ],
    ['everything', { action: 'Allow' }, { kind: 'left-out', why: 'it lets everything in' }],
    ['a Deny before others', { action: 'Deny', source: { nets: ['203.0.113.0/24'] } }, { kind: 'left-out', why: expect.stringMatching(/^a Deny/) }],
    [
      'a port by name',
      { action: 'Allow', protocol: 'TCP', destination: { ports: ['http'] } },
      { kind: 'left-out', why: expect.stringContaining('http') },
    ],
    ['notNets', { action: 'Allow', source: { notNets: ['203.0.113.0/24'] } }, { kind: 'left-out', why: expect.stringContaining('source.notNets') }],
    ['a protocol by number', { action: 'Allow', protocol: 112 }, { kind: 'entry', entry: { traffic: [{ protocol: 112, ports: [] }] } }],
    ['UDPLite', { action: 'Allow', protocol: 'UDPLite' }, { kind: 'entry', entry: { traffic: [{ protocol: 136, ports: [] }] } }],
  ])('%s', (_, rule, meaning) => {
    expect(ruleMeaning(rule, context) satisfies RuleMeaning).toMatchObject(meaning)
  })
})
