import { formatRef, refOf } from '../calico/object.ts'
import { takenOver } from '../firewall/adoption/adoption.ts'
import { cidrsOf } from '../net/address-set.ts'
import type { PlanPackets } from '../proof/plan-packets.ts'
import { proofFields } from './evidence.ts'
import type { Prepared } from './prepare.ts'

/** A plan as one document: what changes, in words and by name, the firewall it is made from, and the packets it opens and closes. */
export const planFields = (prepared: Prepared, packets: PlanPackets): Record<string, unknown> => ({
  ...planInBrief(prepared),
  packets: packets.changes.map(({ change, sources, destinations, traffic }) => ({
    ...{ change, traffic },
    sources: sources.flatMap(cidrsOf),
    destinations: destinations.flatMap(cidrsOf),
  })),
  proof: proofFields(prepared.proof),
})

/** The same without what is worked out from it: small enough to be kept with the change. */
export const planInBrief = ({ plan, missing, isInForce }: Prepared): Record<string, unknown> => ({
  change: plan.change,
  isInForce,
  firewall: plan.firewall,
  differences: plan.differences,
  notices: plan.notices,
  ...(plan.failsafes === undefined ? {} : { failsafes: { added: plan.failsafes.added } }),
  objects: missing.map(({ object, change }) => ({ change, object: formatRef(refOf(object)) })),
  removes: [...takenOver(plan).map(refOf), ...plan.finish.remove].map(formatRef),
  batches: plan.batches.map(({ title, nodes }) => ({ title, nodes })),
})
