import { allowPolicyName } from '../../calico/names.ts'
import type { GlobalNetworkPolicy, Rule } from '../../calico/shapes.ts'
import type { AllowEntry } from '../file/host-firewall.ts'
import { policyObject } from './policy-object.ts'
import { allowRules, chunks, ruleLimits } from './rule-chunks.ts'
import { anyRun, setOf } from './selectors.ts'

/** The rules of one entry of the file. Ports are the original ones, as the client dials them: the policies run before DNAT. */
export const entryRules = ({ to, from, traffic }: AllowEntry): Rule[] =>
  traffic.flatMap(({ protocol, ports }) => allowRules({ protocol, ports, source: from?.nets, destination: 'nodes' in to ? setOf('nodes') : to.nets }))

/**
 * The policies of one entry of the file: one, or several where it needs more than 1024 rules. `orderOf` gives each part, by its name, its
 * own order: Calico breaks ties by name, and names changed form between 3.29 and 3.32.
 */
export const allowPolicies = (entry: AllowEntry, orderOf: (name: string) => number): GlobalNetworkPolicy[] =>
  chunks(entryRules(entry), ruleLimits.rules).map((rules, part) => {
    const name = partName(allowPolicyName(entry.name), part)
    return policyObject({ name, role: 'allow', order: orderOf(name), selector: anyRun, rules })
  })

/** A GlobalNetworkPolicy's name is one DNS label of at most 63 characters everywhere; entry names may not end in `--N`. */
const partName = (name: string, part: number): string => {
  const suffix = part === 0 ? '' : `--${part + 1}`
  return `${name.slice(0, 63 - suffix.length)}${suffix}`
}
