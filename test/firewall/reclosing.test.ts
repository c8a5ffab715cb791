import { expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { asUnkept, refuseLeftClosed } from '../../src/firewall/plan/reclosing.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'
import { homePlan } from './home-plan.ts'

const kept = afterPlan(homeFacts(), homePlan())
/** The plan that closes again what `open` has opened, with the facts of then. */
const closing =
  (facts: Facts, spec: Parameters<typeof homePlan>[1] = {}) =>
  () =>
    refuseLeftClosed(facts, homePlan(asUnkept(facts), spec, 2))

// Found in review: the older Deny closed these the moment the open set went, and no gate was over them.
it('everything that an earlier run closed joins the new one, or is refused by name', () => {
  expect(closing(kept)).not.toThrow()
  const ready = (name: string): Facts => ({
    ...kept,
    nodes: kept.nodes.map((node) => (node.name.startsWith(name) ? { ...node, ready: false } : node)),
  })
  expect(closing(ready('ws2'))).toThrow('HostEndpoint ws2.kryukov.local-ens160 would close without a trial')
  const workers = { nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' as const }] } }
  expect(closing(kept, { interfaces: [{ ...workers, names: ['ens160'], labels: {} }] })).toThrow('control1')
})

it('one whose node is gone closes nothing', () => {
  expect(closing({ ...kept, nodes: kept.nodes.filter(({ name }) => !name.startsWith('ws2')) })).not.toThrow()
})

it('the Deny is found under its tier’s name too', () => {
  const renamed = kept.policies.map((one) => ({ ...one, metadata: { ...one.metadata, name: `default.${one.metadata.name}` } }))
  expect(asUnkept({ ...kept, policies: renamed }).policies.filter(({ metadata }) => metadata.name.includes('deny'))).toEqual([])
})
