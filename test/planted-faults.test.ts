import { describe, expect, it } from 'vitest'
import { keys } from '../src/calico/names.ts'
import type { KubeObject } from '../src/calico/object.ts'
import { gateJob, gatePolicy, gateSet } from '../src/firewall/objects/gate.ts'
import { toolNamespaceObject } from '../src/firewall/objects/tool-objects.ts'
import { provePlan } from '../src/proof/prove-plan.ts'
import { baseRulesOf, type Change, richFacts, richPlan } from './proof/rich-cluster.ts'
import { hostEndpoint, openScene, threeNodes } from './simulator/scene.ts'

/*
 * Three faults this product could have had, each of which locks somebody out. The same check that the product's own objects pass
 * catches the fault: a check that passes both would be worth nothing.
 */

const seconds = 10

/** Whether what the gate closes behind the aggregated API opens at its deadline, with Calico's API server frozen and no client left. */
const opensByItself = async (set: KubeObject): Promise<boolean> => {
  const scene = await openScene({ flavour: 'aggregated' })
  const { api, during, simulator, clock } = scene
  await during(api.apply(toolNamespaceObject()))
  await during(api.apply(gatePolicy(1)))
  for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node, {}, { [keys.run]: '1' })))
  const job = await during(api.create(gateJob(1, seconds)))
  const owner = { apiVersion: job.apiVersion, kind: job.kind, name: job.metadata.name, uid: job.metadata.uid ?? '' }
  await during(api.create({ ...set, metadata: { ...set.metadata, ownerReferences: [owner] } }))
  await clock.advance(500)
  expect(simulator.reach('win', 'ws1', 9100)).toBe('TIMEOUT')
  simulator.aggregated.freeze()
  const opened = await scene.opensWithin((seconds + 5) * 1000)
  await simulator.close()
  return opened !== undefined
}

describe('the gate behind the aggregated API', () => {
  it('opens while that API is frozen, as the product writes it', async () => {
    expect(await opensByItself(gateSet(1, 'aggregated'))).toBe(true)
  })
  it('is caught when it is written as v3', async () => {
    expect(await opensByItself(gateSet(1, 'native'))).toBe(false)
  })
})

const refusals = (change: Change = (given) => given) => {
  const facts = richFacts()
  return provePlan(change({ facts, plan: richPlan(facts) })).refusals
}

/** Nodes known by the label of their HostEndpoints: those that have none yet are nobody. */
const nodesBySelector = baseRulesOf((rules) =>
  rules.flatMap((rule) => {
    if (rule.source?.services !== undefined) return []
    return rule.source?.selector?.includes("'nodes'") === true ? [{ ...rule, source: { selector: `has(${keys.run})` } }] : [rule]
  }),
)

/** The list of failsafes replaced by the additions alone. */
const failsafesReplaced: Change = ({ facts, plan }) => {
  if (plan.failsafes === undefined) throw new Error('the plan adds no failsafe')
  const { after, added } = plan.failsafes
  const inbound = added.flatMap((one) => (one.direction === 'inbound' ? [one.port] : []))
  return { facts, plan: { ...plan, failsafes: { ...plan.failsafes, after: { ...after, inbound } } } }
}

describe('the proof', () => {
  it('passes the plan as it is made', () => {
    expect(refusals()).toEqual([])
  })
  it('catches nodes that are allowed by a selector of HostEndpoints', () => {
    expect(refusals(nodesBySelector)).toContainEqual(
      expect.objectContaining({ flow: expect.stringMatching(/^node .* -> node .*, VXLAN/), state: expect.stringMatching(/^after batch \d/) }),
    )
  })
  it('catches a failsafe list that is replaced instead of united', () => {
    expect(refusals(failsafesReplaced)).toContainEqual(expect.objectContaining({ rule: expect.stringMatching(/6443\/tcp is no inbound failsafe/) }))
  })
})
