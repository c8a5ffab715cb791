import { keys } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import type { World } from '../verdict/model.ts'
import { worldOf } from '../verdict/world.ts'
import { type Act, actingAll, type PlanState } from './acts.ts'
import { failsafesAfter } from './failsafes-after.ts'
import { undoing } from './undo-states.ts'
import { isHostEndpoint } from './world-edits.ts'

/**
 * Every state a rollout of the plan can stand in, in its order: each step done, each step half-way in whatever order its writes arrive, and the
 * gate expired after each that closes; the commit; and the undo from there, which opens first. A crash leaves one of these; an undo from an
 * earlier one is a part of that from the last. Written lazily: a state is a whole world.
 */
export function* planStates(facts: Facts, plan: Plan): Generator<PlanState> {
  const before = worldOf(facts)
  const committed = yield* actingAll(before, [...firstActs(facts, plan), ...trialActs(plan), ...narrowingActs(facts, plan), ...lastActs(plan)])
  yield* undoing(committed, before, plan.openSet)
}

/** The world a plan ends in, once it is kept. */
export const committedWorld = (facts: Facts, plan: Plan): World => {
  for (const { name, world } of planStates(facts, plan)) if (name === 'committed') return world
  throw new Error('a plan has no committed state')
}

/** Before anything closes. */
const firstActs = (facts: Facts, plan: Plan): Act[] => [
  { done: 'failsafes written', failsafes: failsafesAfter(facts, plan.failsafes) },
  { done: 'sets written', write: plan.sets },
  { done: 'policies written', write: plan.policies },
]

/** What closes, under the gate; what `open` had opened closes when its set goes. Without batches nothing does, and there is no gate. */
const trialActs = ({ batches, gate, openSet }: Plan): Act[] => {
  if (batches.length === 0) return []
  return [
    { done: 'gate armed', write: [gate.set], gate: gate.set },
    ...batches.map(({ title, hostEndpoints }, index): Act => ({ done: `after batch ${index + 1} (${title})`, write: hostEndpoints })),
    { done: 'with every HostEndpoint in place and no open set', remove: [refOf(openSet)] },
  ]
}

/** Failsafes that get narrower, on one node and then on all. */
const narrowingActs = (facts: Facts, { failsafes, narrowing }: Plan): Act[] => {
  if (narrowing === undefined) return []
  const first = failsafesAfter(facts, failsafes)
  const tried = failsafesAfter({ failsafes: first }, narrowing.trial?.change)
  return [
    ...(narrowing.trial === undefined ? [] : [{ done: `failsafes narrowed on ${narrowing.trial.node}`, failsafes: tried }]),
    { done: 'failsafes narrowed', failsafes: failsafesAfter({ failsafes: tried }, narrowing.all) },
  ]
}

/** The commit, and what goes after it. Without batches the same writes narrow a firewall that stands already. */
const lastActs = ({ batches, deny, finish, gate, policies, adoption = { hostEndpoints: [], policies: [], staying: [] } }: Plan): Act[] => {
  const named = (verb: string, [only, ...more]: readonly { kind: string; namespace?: string; name: string }[]): string =>
    only === undefined || more.length > 0 ? `what falls away ${verb}` : `${formatRef({ apiVersion: '', ...only })} ${verb}`
  const lasting = finish.write.filter(isHostEndpoint)
  const narrowing = finish.write.filter((object) => !isHostEndpoint(object))
  const ofPolicies = finish.remove.filter(({ kind }) => kind === 'GlobalNetworkPolicy')
  const ofRest = finish.remove.filter(({ kind }) => kind !== 'GlobalNetworkPolicy')
  return [
    ...(batches.length === 0 ? [] : [{ done: 'committed, gate still armed', write: [deny] }]),
    ...(adoption.hostEndpoints.length === 0 ? [] : [{ done: 'committed, their HostEndpoints removed', remove: adoption.hostEndpoints.map(refOf) }]),
    ...(adoption.policies.length === 0 ? [] : [{ done: 'committed, their policies removed', remove: adoption.policies.map(refOf) }]),
    ...(lasting.length === 0 ? [] : [{ done: 'committed, HostEndpoints under their lasting names', write: lasting }]),
    ...(narrowing.length === 0 ? [] : [{ done: `committed, ${named('written', narrowing.map(refOf))}`, write: narrowing }]),
    ...(ofPolicies.length === 0 ? [] : [{ done: `committed, ${named('removed', ofPolicies)}`, remove: ofPolicies }]),
    ...(ofRest.length === 0 ? [] : [{ done: `committed, ${named('removed', ofRest)}`, remove: ofRest }]),
    { done: 'committed', remove: [gate.set, ...policies.filter(isGatePolicy)].map(refOf) },
  ]
}

/** A gate policy goes with its gate; every other policy stays. */
const isGatePolicy = (policy: KubeObject): boolean => policy.metadata.labels?.[keys.policy] === 'gate'
