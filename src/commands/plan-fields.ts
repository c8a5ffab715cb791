import { formatRef, refOf } from '../calico/object.ts'
import type { Prepared } from './prepare.ts'

/** A plan as one document: what changes, in words and by name, and the firewall it is made from. */
export const planFields = ({ plan, missing, isInForce, proof }: Prepared): Record<string, unknown> => ({
  change: plan.change,
  isInForce,
  firewall: plan.firewall,
  differences: plan.differences,
  notices: plan.notices,
  ...(plan.failsafes === undefined ? {} : { failsafes: { added: plan.failsafes.added } }),
  objects: missing.map(({ object, change }) => ({ change, object: formatRef(refOf(object)) })),
  removes: plan.finish.remove.map(formatRef),
  batches: plan.batches.map(({ title, nodes }) => ({ title, nodes })),
  proof: { scope: proof.scope, checked: proof.checked, undecided: proof.undecided },
})
