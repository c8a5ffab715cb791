import { describe, expect, it } from 'vitest'
import { defaultFailsafes } from '../../src/calico/failsafes.ts'
import { names } from '../../src/calico/names.ts'
import { type KubeObject, refOf } from '../../src/calico/object.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { firewallConfigMap } from '../../src/firewall/file/firewall-text.ts'
import { nodesSet, openSet } from '../../src/firewall/objects/network-sets.ts'
import { makeAddVip } from '../../src/firewall/plan/add-vip.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { vipEntry } from '../../src/firewall/plan/vip-entry.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { parsePortSpec } from '../../src/net/port.ts'
import { actingAll } from '../../src/proof/acts.ts'
import { committedWorld, planStates } from '../../src/proof/plan-states.ts'
import { proveActs } from '../../src/proof/prove-acts.ts'
import type { BeforeImage } from '../../src/rollout/checkpoint.ts'
import { addVipSteps, initSteps } from '../../src/rollout/init-steps.ts'
import { closingRollback, openingRollback, type Rollback } from '../../src/rollout/rollback-steps.ts'
import { stepActs } from '../../src/rollout/step-acts.ts'
import type { World } from '../../src/verdict/model.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts } from '../fixtures/home-facts.ts'
import { config } from '../rollout/fixtures.ts'
import { homeFirewall, homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)

/** The cluster with a plan kept in it. */
const keeping = (before: Facts, kept: Plan): Facts => {
  const { policies, hostEndpoints, networkSets, failsafes } = committedWorld(before, kept)
  return { ...before, policies, hostEndpoints, networkSets, failsafes, own: [...kept.sets, ...policies, ...networkSets, ...hostEndpoints] }
}
const committed = keeping(facts, plan)
const entryOf = (address: string) => vipEntry({ address: address as never, ports: [parsePortSpec('8443/tcp')], from: [] }, new Set())

const textOf = ({ hostEndpoints, policies, networkSets, failsafes }: World): string =>
  JSON.stringify([
    ...[hostEndpoints, policies, networkSets].map((list) =>
      (list as readonly KubeObject[]).map(({ metadata, ...rest }) => JSON.stringify([metadata.name, metadata.labels, rest['spec']])).sort(),
    ),
    failsafes,
  ])

const narrower = {
  ...homeFirewall,
  spec: { ...homeFirewall.spec, trustedNets: [parseCidr('10.233.0.0/17')], allow: homeFirewall.spec.allow.slice(0, 1) },
}
const opened = {
  ...committed,
  networkSets: [...committed.networkSets, openSet('native')],
  policies: committed.policies.filter(({ metadata }) => metadata.name !== names.denyPolicy),
}
const plans: readonly [string, Facts, Plan, boolean][] = [
  ['a first run', facts, plan, false],
  ['a run that narrows what stands', committed, makePlan({ firewall: narrower, facts: committed, change: 2, windowSeconds: 90 }), false],
  [
    'a run after a node went away',
    { ...committed, nodes: committed.nodes.slice(0, 4) },
    makePlan({ firewall: homeFirewall, facts: { ...committed, nodes: committed.nodes.slice(0, 4) }, change: 2, windowSeconds: 90 }),
    false,
  ],
  ['a run that closes again what open opened', opened, makePlan({ firewall: homeFirewall, facts: opened, change: 2, windowSeconds: 90 }), true],
]

describe('the states of a plan', () => {
  it.each(plans)('hold every state its steps can stop in: %s', (_, given, made, isOpened) => {
    const proved = new Set([...planStates(given, made)].map(({ world }) => textOf(world)))
    const states = [...actingAll(worldOf(given), stepActs(initSteps(made, { opened: isOpened }), given))]
    expect(states.length).toBeGreaterThan(3)
    expect(states.filter(({ world }) => !proved.has(textOf(world))).map(({ name }) => name)).toEqual([])
  })
  it('hold a closing again: without it the open set would hide every cut', () => {
    const [, , made] = plans[3] ?? []
    expect(made?.batches.length).toBeGreaterThan(0)
    const states = [...planStates(opened, made as Plan)]
    const closed = states.find(({ name }) => name === 'with every HostEndpoint in place and no open set')
    expect(closed?.world.networkSets.map(({ metadata }) => metadata.name)).not.toContain(names.openSet)
  })
})

describe('add-vip', () => {
  const addition = makeAddVip({ facts: committed, existing: homeFirewall, entry: entryOf('192.168.218.181'), failsafes: [] })
  const steps = (objects: readonly KubeObject[]) => addVipSteps(2, objects, addition.failsafes, [])
  it('cuts nothing, in any state of its steps', () => {
    const proof = proveActs({ facts: committed, firewall: addition.firewall, acts: stepActs(steps(addition.policies), committed) })
    expect(proof.refusals).toEqual([])
    expect(proof.scope.states).toBeGreaterThan(0)
    expect(proof.checked).toBeGreaterThan(proof.scope.lifeLines)
  })
  it('is refused where what it writes cuts something: by flow, state, rule and remedy', () => {
    const [first] = addition.policies
    const cutting = addition.policies.map((policy) => ({ ...policy, spec: { ...first?.spec, order: 1, ingress: [{ action: 'Deny' as const }] } }))
    const { refusals } = proveActs({ facts: committed, firewall: addition.firewall, acts: stepActs(steps(cutting), committed) })
    expect(refusals[0]).toMatchObject({
      flow: expect.stringMatching(/./),
      state: '"open it"',
      rule: expect.stringContaining(`GlobalNetworkPolicy ${first?.metadata.name} ingress[0]: Deny`),
      remedy: expect.stringMatching(/./),
    })
  })
})

const imagesOf = (before: World, changed: readonly KubeObject[]): BeforeImage[] =>
  changed.map((object) => ({
    ref: refOf(object),
    before:
      [...before.hostEndpoints, ...before.policies, ...before.networkSets].find(
        (one) => one.kind === object.kind && one.metadata.name === object.metadata.name,
      ) ?? null,
  }))
const rollback = (given: Facts, images: readonly BeforeImage[]): Rollback => ({
  ...{ change: 3, to: 1, images },
  config: { ...config, openSet: openSet(given.calico.flavour), isRollback: true },
})

describe('rollback', () => {
  const written: KubeObject[] = [...plan.sets, ...plan.policies, ...plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints), plan.deny]
  const opening = (given: Facts, images: readonly BeforeImage[]) =>
    proveActs({ facts: given, firewall: homeFirewall, acts: stepActs(openingRollback(rollback(given, images)), given) }).refusals
  it('to before the first change cuts nothing', () => {
    expect(opening(committed, imagesOf(worldOf(facts), written))).toEqual([])
  })
  it('to sets that lack a node of today is refused before anything is written, in the state that cuts it', () => {
    const old = nodesSet(facts.nodes.slice(0, 4).flatMap(({ addresses }) => addresses.map(({ address }) => `${address}/32`)))
    const services = committed.policies.map((policy) => ({
      ...policy,
      spec: { ...policy.spec, ingress: (policy.spec.ingress ?? []).filter(({ source }) => source?.services === undefined) },
    }))
    const given: Facts = { ...committed, policies: services }
    const [first] = opening(given, [{ ref: refOf(old), before: old }])
    expect(first).toMatchObject({
      flow: expect.stringContaining('ws4.kryukov.local'),
      state: '"remove the open set"',
      rule: expect.stringMatching(/calico-fw-deny ingress\[0\]: Deny/),
      remedy: expect.stringContaining(names.nodesSet),
    })
  })
  it('that takes the API’s failsafe away while nodes stay closed is refused', () => {
    const image: BeforeImage = { ref: { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', name: 'default' }, before: null }
    const found = opening(committed, [image])
    expect(found.map(({ rule }) => rule)).toContainEqual(expect.stringContaining('7443/tcp is no inbound failsafe for everyone on control1'))
    const own = { failsafeInboundHostPorts: [...defaultFailsafes.inbound, { protocol: 'TCP', port: 7443 }] }
    expect(opening(committed, [{ ...image, before: { ...image.ref, metadata: { name: 'default' }, spec: own } }])).toEqual([])
  })
  it('that takes an opening back closes only that', () => {
    const addition = makeAddVip({ facts: committed, existing: homeFirewall, entry: entryOf(at.ws1), failsafes: [] })
    const given: Facts = { ...committed, policies: [...committed.policies, ...addition.policies] }
    const images = imagesOf(worldOf(committed), [...addition.policies, firewallConfigMap(homeFirewall)])
    const steps = closingRollback(rollback(given, images), { policies: given.policies, flavour: 'native', closedNodes: [] })
    const proof = (firewall: typeof homeFirewall) => proveActs({ facts: given, firewall, acts: stepActs(steps, given), openSet: openSet('native') })
    expect(proof(homeFirewall).refusals).toEqual([])
    expect(proof(addition.firewall).refusals[0]).toMatchObject({
      flow: expect.stringContaining(`${at.ws1}:8443/tcp`),
      state: expect.stringContaining('arm the gate'),
    })
  })
})
