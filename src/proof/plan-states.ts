import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
import { sameSpec } from '../firewall/same-spec.ts'
import type { World } from '../verdict/model.ts'
import { worldOf } from '../verdict/world.ts'

/** One state a rollout can stand in, crashed or not. */
export interface PlanState {
  readonly name: string
  readonly world: World
  /** Nodes whose HostEndpoints differ from the state before; undefined where anything may have changed. */
  readonly changed: readonly string[] | undefined
}

/**
 * Every state a rollout of the plan can stand in, in its order: each step done, each batch begun in whatever order its writes arrive, and
 * the gate expired after each; the commit write by write; and the undo from there, which opens first. A crash leaves one of these; an undo
 * from an earlier one is a part of that from the last. Written lazily: a state is a whole world.
 */
export function* planStates(facts: Facts, plan: Plan): Generator<PlanState> {
  const before = worldOf(facts)
  let world: World = { ...before, failsafes: failsafesAfter(facts, plan) }
  yield whole('failsafes written', world)
  for (const [title, objects] of [
    ['sets', plan.sets],
    ['policies', plan.policies],
  ] as const) {
    for (const object of changing(world, objects)) {
      world = written(world, [object])
      if (world.hostEndpoints.length > 0) yield whole(`${title} up to ${formatRef(refOf(object))} written`, world)
    }
    yield whole(`${title} written`, world)
  }
  world = written(world, [plan.gate.set])
  yield whole('gate armed', world)
  for (const [index, batch] of plan.batches.entries()) {
    const label = `batch ${index + 1} (${batch.title})`
    const changed = nodesOf(batch.hostEndpoints)
    for (const part of separating(batch.hostEndpoints)) yield { name: `a part of ${label} written`, world: written(world, part), changed }
    world = written(world, batch.hostEndpoints)
    if (changed.length === 0) continue
    yield { name: `after ${label}`, world, changed }
    yield { name: `gate expired after ${label}`, world: without(world, refOf(plan.gate.set)), changed }
  }
  yield whole('every HostEndpoint in place', world)
  yield whole('gate expired with HostEndpoints in place', without(world, refOf(plan.gate.set)))
  world = written(world, [plan.deny])
  yield whole('committed, gate still armed', world)
  for (const object of plan.finish.write) {
    world = written(world, [object])
    yield whole(`committed, ${formatRef(refOf(object))} written`, world)
  }
  for (const ref of plan.finish.remove) {
    world = without(world, ref)
    yield whole(`committed, ${formatRef(ref)} removed`, world)
  }
  world = without(world, refOf(plan.gate.set))
  yield whole('committed', world)
  yield* undoStates(before, world, plan)
}

const whole = (name: string, world: World): PlanState => ({ name, world, changed: undefined })

/** The undo in its order: the open set, then HostEndpoints, policies, sets and failsafes as they were, the open set last. */
function* undoStates(before: World, committed: World, plan: Plan): Generator<PlanState> {
  const open = written(committed, [plan.openSet])
  yield whole('undo: open set written', open)
  const odd = before.hostEndpoints.filter((_, at) => at % 2 === 1)
  const named = new Set(odd.map(({ metadata }) => metadata.name))
  const half = open.hostEndpoints.filter(({ metadata }, at) => at % 2 === 0 && !named.has(metadata.name))
  yield whole('undo: a part of the HostEndpoints as before', { ...open, hostEndpoints: [...half, ...odd] })
  const hostEndpoints = { ...open, hostEndpoints: before.hostEndpoints }
  yield whole('undo: HostEndpoints as before', hostEndpoints)
  const policies = { ...hostEndpoints, policies: before.policies }
  yield whole('undo: policies as before', policies)
  const sets = written({ ...policies, networkSets: before.networkSets }, [plan.openSet])
  yield whole('undo: sets as before', sets)
  const failsafes = { ...sets, failsafes: before.failsafes }
  yield whole('undo: failsafes as before', failsafes)
  yield whole('undone', { ...failsafes, networkSets: before.networkSets })
}

/**
 * Parts of a batch that tell any two of its HostEndpoints apart in either order: each of them and its complement, by the bits of their
 * numbers. A flow between two nodes cannot see more of a half-written batch than which of the two is written.
 */
const separating = (hostEndpoints: readonly KubeObject[]): KubeObject[][] => {
  const parts: KubeObject[][] = []
  for (let bit = 1; bit < hostEndpoints.length; bit *= 2) {
    parts.push(
      hostEndpoints.filter((_, at) => (at & bit) === 0),
      hostEndpoints.filter((_, at) => (at & bit) !== 0),
    )
  }
  return parts
}

/** What a world lacks, or has otherwise. */
const changing = (world: World, objects: readonly KubeObject[]): KubeObject[] => {
  const present = new Map([...world.policies, ...world.networkSets].map((object) => [keyOf(refOf(object)), object]))
  return objects.filter((object) => {
    const found = present.get(keyOf(refOf(object)))
    return (isPolicy(object) || isSet(object)) && (found === undefined || !sameSpec(found, object))
  })
}

/** The effective lists once FelixConfiguration `default` is patched: nodes that follow something stronger keep theirs. */
export const failsafesAfter = (facts: Facts, { failsafes: change }: Plan): Facts['failsafes'] => {
  if (change === undefined) return facts.failsafes
  return Object.fromEntries(
    Object.entries(facts.failsafes).map(([node, { inbound, outbound }]) => {
      const patched = <T extends typeof inbound>(now: T, direction: 'inbound' | 'outbound') =>
        now.source.kind === 'default' || (now.source.kind === 'felixconfiguration' && now.source.name === 'default')
          ? { ports: change.after[direction], source: { kind: 'felixconfiguration' as const, name: 'default' } }
          : now
      return [node, { inbound: patched(inbound, 'inbound'), outbound: patched(outbound, 'outbound') }]
    }),
  )
}

const nodesOf = (hostEndpoints: readonly KubeObject[]): string[] => hostEndpoints.filter(isHostEndpoint).map(({ spec }) => spec.node)

/** Whether an object is a HostEndpoint; a plan carries plain objects. */
export const isHostEndpoint = (object: KubeObject): object is HostEndpoint => object.kind === 'HostEndpoint'
/** Whether an object is a GlobalNetworkPolicy. */
export const isPolicy = (object: KubeObject): object is GlobalNetworkPolicy => object.kind === 'GlobalNetworkPolicy'
/** Whether an object is a GlobalNetworkSet or a NetworkSet. */
export const isSet = (object: KubeObject): object is NetworkSet => object.kind === 'GlobalNetworkSet' || object.kind === 'NetworkSet'

/** The world with objects written into it; kinds no verdict depends on are passed over. */
export const written = (world: World, objects: readonly KubeObject[]): World => ({
  ...world,
  hostEndpoints: upsert(world.hostEndpoints, objects.filter(isHostEndpoint)),
  policies: upsert(world.policies, objects.filter(isPolicy)),
  networkSets: upsert(world.networkSets, objects.filter(isSet)),
})

/** The same object is the same kind, namespace and name in whichever API group; Calico 3.29.0 to 3.29.3 showed policy names with `default.` before them. */
const keyOf = ({ kind, namespace = '', name }: { kind: string; namespace?: string; name: string }): string =>
  `${kind} ${namespace}/${kind === 'GlobalNetworkPolicy' ? name.replace(/^default\./, '') : name}`

const upsert = <T extends KubeObject>(present: readonly T[], changed: readonly T[]): readonly T[] => {
  if (changed.length === 0) return present
  const keys = new Set(changed.map((object) => keyOf(refOf(object))))
  return [...present.filter((object) => !keys.has(keyOf(refOf(object)))), ...changed]
}

const without = (world: World, ref: { kind: string; namespace?: string; name: string }): World => {
  const stays = (object: KubeObject) => keyOf(refOf(object)) !== keyOf(ref)
  return {
    ...world,
    hostEndpoints: world.hostEndpoints.filter(stays),
    policies: world.policies.filter(stays),
    networkSets: world.networkSets.filter(stays),
  }
}
