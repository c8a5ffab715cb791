import { keys } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
import type { World } from '../verdict/model.ts'
import { worldOf } from '../verdict/world.ts'
import { type Act, acting, type PlanState } from './acts.ts'
import { failsafesAfter } from './failsafes-after.ts'
import { undoing } from './undo-states.ts'
import { finder, without } from './world-edits.ts'

/**
 * Every state a rollout of the plan can stand in, in its order: each step done, each step half-way in whatever order its writes arrive, and the
 * gate expired after each that closes; the commit; and the undo from there, which opens first. A crash leaves one of these; an undo from an
 * earlier one is a part of that from the last. Written lazily: a state is a whole world.
 */
export function* planStates(facts: Facts, plan: Plan): Generator<PlanState> {
  const before = worldOf(facts)
  let world = before
  for (const act of firstActs(facts, plan)) world = yield* acting(world, act)
  for (const [index, { title, hostEndpoints }] of plan.batches.entries()) {
    const done = `after batch ${index + 1} (${title})`
    world = yield* onTrial(world, { done, write: hostEndpoints }, plan)
  }
  if (plan.batches.length > 0 && finder(world)(refOf(plan.openSet)) !== undefined)
    world = yield* onTrial(world, { done: 'closed again, the open set removed', remove: [refOf(plan.openSet)] }, plan)
  // Once more for every life line, whatever nodes it is about.
  yield { name: 'every HostEndpoint in place', world, changed: undefined }
  yield { name: 'gate expired with HostEndpoints in place', world: without(world, [refOf(plan.gate.set)]), changed: undefined }
  for (const act of lastActs(plan)) world = yield* acting(world, act)
  yield* undoing(world, before, plan.openSet)
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
  { done: 'gate armed', write: [plan.gate.set] },
]

/** A closing act under the gate, and the gate's end after it. */
function* onTrial(world: World, act: Act, { gate }: Plan): Generator<PlanState, World> {
  const done = yield* acting(world, act)
  const nodes = act.write?.flatMap((object) => (object.kind === 'HostEndpoint' ? [(object['spec'] as { node: string }).node] : []))
  yield { name: `gate expired ${act.done}`, world: without(done, [refOf(gate.set)]), changed: nodes }
  return done
}

/** The commit, and what goes after it. Without batches there is no trial: the same writes narrow a firewall that stands already. */
const lastActs = ({ batches, deny, finish, gate, policies }: Plan): Act[] => {
  const named = (verb: string, [only, ...more]: readonly { kind: string; namespace?: string; name: string }[]): string =>
    only === undefined || more.length > 0 ? `what falls away ${verb}` : `${formatRef({ apiVersion: '', ...only })} ${verb}`
  const ofPolicies = finish.remove.filter(({ kind }) => kind === 'GlobalNetworkPolicy')
  const ofRest = finish.remove.filter(({ kind }) => kind !== 'GlobalNetworkPolicy')
  return [
    ...(batches.length === 0 ? [] : [{ done: 'committed, gate still armed', write: [deny] }]),
    ...(finish.write.length === 0 ? [] : [{ done: `committed, ${named('written', finish.write.map(refOf))}`, write: finish.write }]),
    ...(ofPolicies.length === 0 ? [] : [{ done: `committed, ${named('removed', ofPolicies)}`, remove: ofPolicies }]),
    ...(ofRest.length === 0 ? [] : [{ done: `committed, ${named('removed', ofRest)}`, remove: ofRest }]),
    { done: 'committed', remove: [gate.set, ...policies.filter(isGatePolicy)].map(refOf) },
  ]
}

/** A gate policy goes with its gate; every other policy stays. */
const isGatePolicy = (policy: KubeObject): boolean => policy.metadata.labels?.[keys.policy] === 'gate'
