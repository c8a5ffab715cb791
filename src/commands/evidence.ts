import type { Facts } from '../firewall/facts/facts.ts'
import type { Proof } from '../proof/prove-states.ts'
import type { ChangeEvidence } from '../rollout/checkpoint.ts'
import { version } from '../version.ts'

/** What a proof looked at, and what it could not decide. */
export const proofFields = ({ scope, checked, undecided }: Proof) => ({ scope, checked, undecided })

/** What a change rests on, for its first checkpoint. */
export const evidenceOf = ({ cluster, calico }: Facts, plan: ChangeEvidence['plan'], proof: Proof): ChangeEvidence => ({
  versions: {
    'kubectl-calico-fw': version,
    kubernetes: cluster.kubernetesVersion,
    ...(calico.version === undefined ? {} : { calico: calico.version }),
  },
  plan,
  proof: proofFields(proof),
})
