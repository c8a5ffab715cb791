import type { EntityRule, GlobalNetworkPolicy, Rule } from '../../../src/calico/shapes.ts'
import type { ObjectSet } from './object-set.ts'

/** Whether a smaller set of objects still shows what the larger one did. */
export type StillShows = (objects: ObjectSet) => Promise<boolean>

/**
 * The smallest set that still shows it: objects go, then rules, then what rules ask for, one at a time, as long as anything can go.
 * @param tries how many smaller sets are tried at most; each costs the lab some seconds
 */
export const shrink = async (objects: ObjectSet, stillShows: StillShows, tries = 80): Promise<ObjectSet> => {
  let smallest = objects
  let left = tries
  for (let progress = true; progress && left > 0; ) {
    progress = false
    for (const smaller of smallerThan(smallest)) {
      if (left-- <= 0) break
      if (await stillShows(smaller)) {
        smallest = smaller
        progress = true
        break
      }
    }
  }
  return smallest
}

/** Every set that lacks one thing of this one, whole objects first. */
export const smallerThan = (objects: ObjectSet): ObjectSet[] => [
  ...without(objects.policies).map((policies) => ({ ...objects, policies })),
  ...without(objects.hostEndpoints).map((hostEndpoints) => ({ ...objects, hostEndpoints })),
  ...without(objects.networkSets).map((networkSets) => ({ ...objects, networkSets })),
  ...objects.policies.flatMap((policy, index) =>
    smallerPolicies(policy).map((one) => ({ ...objects, policies: replaced(objects.policies, index, one) })),
  ),
]

const without = <Item>(items: readonly Item[]): Item[][] => items.map((_, index) => items.filter((__, at) => at !== index))

const replaced = <Item>(items: readonly Item[], index: number, item: Item): Item[] => items.map((one, at) => (at === index ? item : one))

const smallerPolicies = (policy: GlobalNetworkPolicy): GlobalNetworkPolicy[] =>
  (['ingress', 'egress'] as const).flatMap((direction) => {
    const rules = policy.spec[direction] ?? []
    const withRules = (list: readonly Rule[]): GlobalNetworkPolicy => ({ ...policy, spec: { ...policy.spec, [direction]: list } })
    return [
      ...without(rules).map(withRules),
      ...rules.flatMap((rule, index) => smallerRules(rule).map((one) => withRules(replaced(rules, index, one)))),
    ]
  })

const smallerRules = (rule: Rule): Rule[] =>
  (['source', 'destination'] as const).flatMap((side) => {
    const entity = rule[side]
    if (entity === undefined) return []
    const { [side]: _, ...rest } = rule
    const lists = (['nets', 'notNets', 'ports', 'notPorts'] as const).flatMap((key): EntityRule[] => {
      const list = entity[key]
      if (list === undefined) return []
      const { [key]: __, ...others } = entity
      return list.length === 1 ? [others] : without<string | number>(list).map((fewer) => ({ ...others, [key]: fewer }) as EntityRule)
    })
    return [rest, ...lists.map((one): Rule => ({ ...rule, [side]: one }))]
  })
