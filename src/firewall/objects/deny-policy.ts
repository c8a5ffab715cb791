import { names, orders, plainName } from '../../calico/names.ts'
import type { GlobalNetworkPolicy } from '../../calico/shapes.ts'
import { policyObject } from './policy-object.ts'
import { runsIn, theseRuns } from './selectors.ts'

/**
 * GlobalNetworkPolicy calico-fw-deny: closes for good what the runs left over, written by the commit alone. It names runs, so a copy that
 * a backup or GitOps puts back never bites the HostEndpoints of a new run.
 */
export const denyPolicy = (runs: readonly number[]): GlobalNetworkPolicy =>
  policyObject({
    name: names.denyPolicy,
    role: 'deny',
    order: orders.deny,
    selector: theseRuns([...new Set(runs)].sort((one, other) => one - other)),
    rules: [{ action: 'Deny' }],
  })

/** The runs a deny policy found in the cluster keeps closed; none without one. */
export const committedRuns = (policies: readonly GlobalNetworkPolicy[]): number[] => {
  const deny = policies.find(({ metadata }) => plainName(metadata.name) === names.denyPolicy)
  return deny === undefined ? [] : runsIn(deny.spec.selector ?? '')
}
