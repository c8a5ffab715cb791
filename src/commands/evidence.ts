import type { Facts } from '../firewall/facts.ts'
import type { Proof } from '../proof/prove-states.ts'
import type { Evidence } from '../rollout/checkpoint.ts'
import { version } from '../version.ts'

/** What a change rests on, for its first checkpoint. */
export const evidenceOf = ({ cluster, calico }: Facts, plan: Evidence['plan'], { scope, checked, undecided }: Proof): Evidence => ({
  versions: {
    'kubectl-calico-fw': version,
    kubernetes: cluster.kubernetesVersion,
    ...(calico.version === undefined ? {} : { calico: calico.version }),
  },
  plan,
  proof: { scope, checked, undecided },
})
