import { type KubeObject, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
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
 * Every state a rollout of the plan can stand in, in its order: each finished step, each batch begun and done, the gate expired with all
 * HostEndpoints in place, the commit, and the undo that opens first. An expiry in the middle is no state of its own: without the gate's set
 * a Deny rule less is in force.
 */
export const planStates = (facts: Facts, plan: Plan): PlanState[] => {
  const before = worldOf(facts)
  const failsafes = { ...before, failsafes: failsafesAfter(facts, plan) }
  const sets = apply(failsafes, plan.sets)
  const policies = apply(sets, plan.policies)
  const armed = apply(policies, [plan.gate.set])
  const closing = batchStates(armed, plan)
  const closed = closing.at(-1)?.world ?? armed
  const denied = apply(closed, [plan.deny])
  const finished = plan.finish.remove.reduce<World>((world, ref) => without(world, ref), apply(denied, plan.finish.write))
  const half = closing.find(({ name }) => name.startsWith('half'))?.world ?? closed
  const whole = (name: string, world: World): PlanState => ({ name, world, changed: undefined })
  return [
    whole('failsafes written', failsafes),
    whole('sets written', sets),
    whole('policies written', policies),
    whole('gate armed', armed),
    ...closing,
    whole('every HostEndpoint in place', closed),
    whole('gate expired with HostEndpoints in place', without(closed, refOf(plan.gate.set))),
    whole('committed, gate still armed', denied),
    whole('committed', without(finished, refOf(plan.gate.set))),
    whole('undo from a half-written batch, open set written', apply(half, [plan.openSet])),
    whole('undo from the commit, open set written', apply(finished, [plan.openSet])),
  ]
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

/** Each batch written by half, and whole. */
const batchStates = (armed: World, { batches }: Plan): PlanState[] => {
  let world = armed
  return batches.flatMap(({ title, hostEndpoints }, index) => {
    const label = `batch ${index + 1} (${title})`
    const first = hostEndpoints.slice(0, Math.ceil(hostEndpoints.length / 2))
    const half = apply(world, first)
    world = apply(world, hostEndpoints)
    const done = { name: `after ${label}`, world, changed: nodesOf(hostEndpoints) }
    return hostEndpoints.length > 1 ? [{ name: `half of ${label}`, world: half, changed: nodesOf(first) }, done] : [done]
  })
}

const nodesOf = (hostEndpoints: readonly KubeObject[]): string[] => hostEndpoints.filter(isHostEndpoint).map(({ spec }) => spec.node)

/** Whether an object is a HostEndpoint; a plan carries plain objects. */
export const isHostEndpoint = (object: KubeObject): object is HostEndpoint => object.kind === 'HostEndpoint'
const isPolicy = (object: KubeObject): object is GlobalNetworkPolicy => object.kind === 'GlobalNetworkPolicy'
const isSet = (object: KubeObject): object is NetworkSet => object.kind === 'GlobalNetworkSet' || object.kind === 'NetworkSet'

/** The world with objects written into it; kinds no verdict depends on are passed over. */
const apply = (world: World, objects: readonly KubeObject[]): World => ({
  ...world,
  hostEndpoints: upsert(world.hostEndpoints, objects.filter(isHostEndpoint)),
  policies: upsert(world.policies, objects.filter(isPolicy)),
  networkSets: upsert(world.networkSets, objects.filter(isSet)),
})

/** The same object is the same kind, namespace and name in whichever API group; Calico 3.29.0 to 3.29.3 showed policy names with `default.` before them. */
const keyOf = ({ kind, namespace = '', name }: { kind: string; namespace?: string; name: string }): string =>
  `${kind} ${namespace}/${kind === 'GlobalNetworkPolicy' ? name.replace(/^default\./, '') : name}`

const upsert = <T extends KubeObject>(present: readonly T[], written: readonly T[]): readonly T[] => {
  if (written.length === 0) return present
  const keys = new Set(written.map((object) => keyOf(refOf(object))))
  return [...present.filter((object) => !keys.has(keyOf(refOf(object)))), ...written]
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
