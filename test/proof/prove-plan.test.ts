import { describe, expect, it } from 'vitest'
import { keys, names } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import type { GlobalNetworkPolicy, NetworkSet, Rule } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { castOf } from '../../src/proof/cast.ts'
import { changeOf } from '../../src/proof/change.ts'
import { lifeLines } from '../../src/proof/life-lines.ts'
import { planStates } from '../../src/proof/plan-states.ts'
import { proofError } from '../../src/proof/proof-error.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { createDecider } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)

const editSet = (name: string, nets: readonly string[]) => ({
  ...plan,
  sets: plan.sets.map(
    (object): KubeObject => (object.metadata.name === name && object.kind === 'GlobalNetworkSet' ? { ...object, spec: { nets } } : object),
  ),
})
const netsOf = (name: string): readonly string[] =>
  (plan.sets.find(({ metadata, kind }) => metadata.name === name && kind === 'GlobalNetworkSet') as NetworkSet).spec.nets ?? []
const refusals = (changed: Partial<Plan>, from: Facts = facts) => provePlan({ facts: from, plan: { ...plan, ...changed } }).refusals

describe('the home example', () => {
  it('passes, in every state, and says what it checked', () => {
    const result = provePlan({ facts, plan })
    expect(result.refusals).toEqual([])
    expect(result.undecided).toEqual([])
    expect(result.scope).toMatchObject({ nodes: 5, kinds: 2 })
    expect(result.scope.lifeLines).toBeGreaterThan(250)
    expect(result.checked).toBeGreaterThan(1_000)
  })
  it('is asked in every state a rollout can stand in', () => {
    const states = [...planStates(facts, plan)].map(({ name }) => name)
    expect(states.filter((name) => name.startsWith('after batch'))).toHaveLength(plan.batches.length)
    expect(states.some((name) => name.startsWith('half-way to "after batch'))).toBe(true)
    expect(states).toEqual(
      expect.arrayContaining([
        'failsafes written',
        'policies written',
        'gate armed',
        'with every HostEndpoint in place and no open set',
        'gate expired, committed, gate still armed',
        'committed',
        'gate expired, after batch 1 (worker ws1.kryukov.local)',
        'committed, gate still armed',
        'opened by deleting HostEndpoints',
        'undo: open set written',
        'undo: policies as before',
        'undone',
      ]),
    )
  })
  it('passes on the lab’s three nodes, and again over a committed firewall', () => {
    const three = homeFacts({ nodes: 3 })
    expect(provePlan({ facts: three, plan: homePlan(three) }).refusals).toEqual([])
    const committed = [...planStates(facts, plan)].find(({ name }) => name === 'committed')?.world
    expect(committed).toBeDefined()
    const standing: Facts = { ...facts, ...pick(committed), failsafes: committed?.failsafes ?? facts.failsafes }
    expect(provePlan({ facts: standing, plan: homePlan(standing) }).refusals).toEqual([])
  })
})

const pick = (world: { hostEndpoints: Facts['hostEndpoints']; policies: Facts['policies']; networkSets: Facts['networkSets'] } | undefined) => ({
  hostEndpoints: world?.hostEndpoints ?? [],
  policies: world?.policies ?? [],
  networkSets: world?.networkSets ?? [],
})

describe('a plan is refused', () => {
  it('that forgets a node’s address, in the first state that cuts it, by rule and remedy', () => {
    const forgotten = editSet(
      names.nodesSet,
      netsOf(names.nodesSet).filter((net) => net !== `${at.ws2}/32`),
    )
    const [first] = refusals(forgotten)
    expect(first).toMatchObject({
      flow: expect.stringContaining('node ws2.kryukov.local -> node'),
      state: expect.stringMatching(/^(half-way to ")?after batch 1/),
    })
    expect(first?.rule).toMatch(/GlobalNetworkPolicy calico-fw-gate-1 ingress\[\d+\]: Deny/)
    expect(first?.remedy).toContain(names.nodesSet)
  })
  it('that forgets the pods', () => {
    const empty = editSet(names.trustedSet, ['10.9.0.0/16'])
    expect(refusals(empty).map(({ flow }) => flow)).toContainEqual(expect.stringMatching(/^a pod on ws1.* -> a pod on ws2/))
  })
  it('that knows nodes by the label of their HostEndpoints: the partition of a node-by-node rollout', () => {
    const byLabel = plan.policies.map((object): KubeObject => {
      if (object.metadata.name !== names.basePolicy) return object
      const { spec } = object as GlobalNetworkPolicy
      return {
        ...object,
        spec: {
          ...spec,
          ingress: [
            { action: 'Allow', source: { selector: "node-endpoint == 'home'" } },
            ...(spec.ingress ?? []).filter(({ source }) => source?.nets !== undefined),
          ],
        },
      }
    })
    const found = refusals({ policies: byLabel })
    expect(found.some(({ state }) => state.startsWith('after batch 1'))).toBe(true)
  })
  it('whose HostEndpoints name a profile that does not exist', () => {
    const batches = plan.batches.map((batch) => ({
      ...batch,
      hostEndpoints: batch.hostEndpoints.map(
        (object): KubeObject => ({ ...object, spec: { ...(object['spec'] as object), profiles: ['projectcalico-default-alow'] } }),
      ),
    }))
    expect(refusals({ batches }).some(({ rule }) => rule.includes('Calico drops'))).toBe(true)
  })
  it('that leaves an API port out of the failsafes, before anything closes', () => {
    const { failsafes: _, ...rest } = plan
    const [first] = provePlan({ facts, plan: { ...rest, failsafes: undefined } }).refusals
    expect(first).toMatchObject({
      flow: expect.stringContaining('192.168.218.189:7443'),
      state: 'before anything closes',
      remedy: 'add {protocol: TCP, port: 7443} to spec.extraFailsafePorts.inbound',
    })
  })
  it('where the environment of calico-node beats what it would patch', () => {
    const narrow = Object.fromEntries(
      Object.entries(facts.failsafes).map(([node, lists]) => [
        node,
        {
          ...lists,
          inbound: { ports: [{ protocol: 'TCP', port: 22 }], source: { kind: 'environment' as const, variable: 'FELIX_FAILSAFEINBOUNDHOSTPORTS' } },
        },
      ]),
    )
    const found = provePlan({ facts: { ...facts, failsafes: narrow }, plan }).refusals
    expect(found[0]?.rule).toContain('FELIX_FAILSAFEINBOUNDHOSTPORTS')
    expect(found.map(({ flow }) => flow)).toContain('Felix, Typha and API clients -> 192.168.218.171:6443')
  })
  it('where a failsafe for the API has a net', () => {
    const inbound = {
      ports: [
        { protocol: 'TCP', port: 6443, net: '192.168.218.0/24' },
        { protocol: 'TCP', port: 7443 },
      ],
      source: { kind: 'default' as const },
    }
    const narrow = Object.fromEntries(Object.entries(facts.failsafes).map(([node, lists]) => [node, { ...lists, inbound }]))
    const found = provePlan({ facts: { ...facts, failsafes: narrow }, plan: { ...plan, failsafes: undefined } }).refusals
    expect(found.map(({ flow }) => flow)).toEqual(expect.arrayContaining(['Felix, Typha and API clients -> 192.168.218.171:6443']))
  })
  it('under the tutorial’s own policies: they select node-endpoint: home and know nodes only by HostEndpoint', () => {
    const found = provePlan({ facts: { ...facts, policies: tutorialPolicies }, plan }).refusals
    expect(found.length).toBeGreaterThan(0)
    expect(new Set(found.map(({ state }) => state))).toContain(`after batch 1 (${plan.batches[0]?.title})`)
    expect(found.map(({ rule }) => rule).filter((rule) => !rule.includes('default-rules'))).toEqual([])
  })
  it('where the model cannot tell any more, for unknown is no proof', () => {
    const unreadable: GlobalNetworkPolicy = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'unreadable' },
      spec: { selector: 'has(calico-fw.github.io/run', types: ['Ingress'], ingress: [] },
    }
    const found = provePlan({ facts: { ...facts, policies: [unreadable] }, plan }).refusals
    expect(found[0]?.rule).toContain('unknown: whether GlobalNetworkPolicy unreadable governs')
  })
  it('as an error that names flow, state, rule and remedy', () => {
    const error = proofError(refusals(editSet(names.trustedSet, ['10.9.0.0/16'])))
    expect(error).toMatchObject({ code: 'FW_PROOF', exit: 3 })
    expect(error.message).toMatch(/^the plan would cut a pod on/)
    expect(error.why).toContain('in the state "')
    expect(error.fix).toContain(names.trustedSet)
  })
})

describe('what the proof need not ask', () => {
  const foreign = (ingress: readonly Rule[]): GlobalNetworkPolicy => ({
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'foreign' },
    spec: { order: 10, selector: `has(${keys.run})`, types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress },
  })
  const damages: readonly [string, Facts, Plan][] = [
    [
      'a node forgotten',
      facts,
      {
        ...plan,
        ...editSet(
          names.nodesSet,
          netsOf(names.nodesSet).filter((net) => net !== `${at.ws2}/32`),
        ),
      },
    ],
    ['the kubelet’s port', { ...facts, policies: [foreign([{ action: 'Deny', protocol: 'TCP', destination: { ports: [10250] } }])] }, plan],
    [
      'nodes by label',
      {
        ...facts,
        policies: [
          foreign([
            { action: 'Allow', source: { selector: `has(${keys.run})` } },
            { action: 'Deny', protocol: 'TCP' },
          ]),
        ],
      },
      plan,
    ],
  ]
  it.each(damages)('is known already: every lifeline asked in every state gives the same, %s', (_, given, damaged) => {
    const cast = castOf(given, changeOf(damaged))
    const before = createDecider(worldOf(given))
    const asked = lifeLines(cast).filter(({ connection }) => before.action(connection) !== 'deny')
    const refused = new Map<string, string>()
    for (const { name, world } of planStates(given, damaged)) {
      const { action } = createDecider(world)
      for (const { title, connection } of asked)
        if (!refused.has(title) && action(connection) !== 'allow' && action(connection) !== before.action(connection)) refused.set(title, name)
    }
    const { refusals: found } = provePlan({ facts: given, plan: damaged })
    expect(refused.size).toBeGreaterThan(3)
    expect(new Map(found.map(({ flow, state }) => [flow, state]))).toEqual(refused)
  })
})

describe('what was cut before is not held against the plan', () => {
  it('nor what nobody could decide: it is listed, and counts as nothing', () => {
    const { kubeProxy } = facts
    const { refusals, undecided } = provePlan({ facts: { ...facts, kubeProxy: { ...kubeProxy, mode: 'none' } }, plan })
    expect(refusals).toEqual([])
    expect(undecided).toContainEqual({
      flow: expect.stringContaining('-> API at 10.233.0.1:443'),
      why: expect.stringContaining('no kube-proxy runs, so who serves Service default/kubernetes'),
    })
  })
  it('with the tutorial’s firewall already in force', () => {
    const closed: Facts = { ...facts, policies: tutorialPolicies, hostEndpoints: tutorialHostEndpoints(facts.nodes).slice(0, 1) }
    const lines = lifeLines(castOf(closed, changeOf(plan))).filter(({ title }) => title.includes('SSH'))
    expect(lines).toHaveLength(5)
    expect(provePlan({ facts: closed, plan: { ...plan, batches: [] } }).refusals.map(({ flow }) => flow)).not.toContainEqual(
      expect.stringContaining('kubelet of control1'),
    )
  })
})
