import { isOurs } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { coverOf } from '../firewall/adoption/adoption.ts'
import { runOf } from '../firewall/facts/standing.ts'
import type { World } from '../verdict/model.ts'
import { acting, backTo, type PlanState } from './acts.ts'
import { written } from './world-edits.ts'

/**
 * The undo in its order: the open set, or where that cannot be written the HostEndpoints deleted in whatever order; then HostEndpoints,
 * policies, sets and failsafes as they were, the failsafes first where another's firewall comes back; the open set last, unless it was there before.
 */
export function* undoing(from: World, then: World, openSet: KubeObject): Generator<PlanState, World> {
  yield* acting(from, { done: 'opened by deleting HostEndpoints', remove: from.hostEndpoints.filter(isOurs).map(refOf) })
  let world = yield* acting(from, { done: 'undo: open set written', write: [openSet] })
  const failsafes = { done: 'undo: failsafes as before', failsafes: then.failsafes }
  const theirs = then.hostEndpoints.filter((one) => !isOurs(one) && !from.hostEndpoints.includes(one))
  if (theirs.length > 0) {
    world = yield* acting(world, failsafes)
    world = yield* comingBack(world, then, theirs)
  }
  world = yield* acting(world, { done: 'undo: HostEndpoints as before', ...backTo(world, then, 'hostEndpoints') })
  world = yield* acting(world, { done: 'undo: policies as before', ...backTo(world, then, 'policies') })
  const opened = written(then, [openSet])
  world = yield* acting(world, { done: 'undo: sets as before', ...backTo(world, opened, 'networkSets') })
  if (theirs.length === 0) world = yield* acting(world, failsafes)
  return yield* acting(world, { done: 'undone', ...backTo(world, then, 'networkSets') })
}

/** What a kept adoption deleted comes back behind HostEndpoints of ours: policies first. */
function* comingBack(from: World, then: World, theirs: readonly HostEndpoint[]): Generator<PlanState, World> {
  const run = Math.max(0, ...from.hostEndpoints.map((one) => runOf(one) ?? 0))
  let world = yield* acting(from, { done: 'undo: HostEndpoints of ours before theirs', write: theirs.map((one) => coverOf(one, run)) })
  world = yield* acting(world, { done: 'undo: policies that were taken over as before', write: then.policies.filter((one) => !isOurs(one)) })
  return yield* acting(world, { done: 'undo: HostEndpoints that were taken over as before', write: theirs })
}
