import { type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../calico/shapes.ts'
import type { World } from '../verdict/model.ts'

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

/** The world without some objects. */
export const without = (world: World, refs: readonly ObjectRef[]): World => {
  const gone = new Set(refs.map(keyOf))
  const stays = (object: KubeObject) => !gone.has(keyOf(refOf(object)))
  const left = <T extends KubeObject>(objects: readonly T[]) => (objects.every(stays) ? objects : objects.filter(stays))
  return { ...world, hostEndpoints: left(world.hostEndpoints), policies: left(world.policies), networkSets: left(world.networkSets) }
}

/** Finds what a world holds under a name, if a verdict can see it. */
export const finder = (world: World): ((ref: ObjectRef) => KubeObject | undefined) => {
  const byKey = new Map<string, KubeObject>([...world.hostEndpoints, ...world.policies, ...world.networkSets].map((one) => [keyOf(refOf(one)), one]))
  return (ref) => byKey.get(keyOf(ref))
}

/** The same object is the same kind, namespace and name in whichever API group; Calico 3.29.0 to 3.29.3 showed policy names with `default.` before them. */
const keyOf = ({ kind, namespace = '', name }: Omit<ObjectRef, 'apiVersion'>): string =>
  `${kind} ${namespace}/${kind === 'GlobalNetworkPolicy' ? name.replace(/^default\./, '') : name}`

const upsert = <T extends KubeObject>(present: readonly T[], changed: readonly T[]): readonly T[] => {
  if (changed.length === 0) return present
  const keys = new Set(changed.map((object) => keyOf(refOf(object))))
  return [...present.filter((object) => !keys.has(keyOf(refOf(object)))), ...changed]
}
