import { keys, toolNamespace } from '../../calico/names.ts'
import type { EntityRule } from '../../calico/shapes.ts'

/** Every HostEndpoint of ours, whichever run wrote it. */
export const anyRun = `has(${keys.run})`

/** The HostEndpoints of one run. */
export const oneRun = (change: number): string => `${keys.run} == '${change}'`

/** The HostEndpoints of several runs. */
export const theseRuns = (changes: readonly number[]): string => `${keys.run} in {${changes.map((change) => `'${change}'`).join(', ')}}`

/** The runs a selector made by {@link theseRuns} or {@link oneRun} names. */
export const runsIn = (selector: string): number[] => [...selector.matchAll(/'(\d+)'/g)].map(([, run]) => Number(run))

/**
 * A GlobalNetworkSet of ours. `global()` keeps it from matching a tenant's namespaced NetworkSet that carries the same label with
 * nets of the tenant's choice (libcalico-go updateprocessors/rules.go turns it into `!has(projectcalico.org/namespace)`).
 */
export const setOf = (set: string): EntityRule => ({ selector: `${keys.set} == '${set}'`, namespaceSelector: 'global()' })

/**
 * The gate's NetworkSet of one run. Not a namespaceSelector: its `pcns.` labels can be forged on a tenant's NetworkSet, while
 * `projectcalico.org/namespace` is set by Calico itself from the object's real namespace.
 */
export const gateOf = (change: number): EntityRule => ({
  selector: `projectcalico.org/namespace == '${toolNamespace}' && ${keys.gate} == '${change}'`,
})
