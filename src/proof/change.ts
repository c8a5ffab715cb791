import { type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import { takenOver } from '../firewall/adoption/adoption.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import type { Batch, Plan } from '../firewall/plan/plan.ts'
import { objectsOf } from '../firewall/plan/plan-maker.ts'

/** A change to a cluster, as far as choosing whom to ask about depends on it. */
export interface Change {
  /** The firewall it leads to: what this opens must not be closed on the way. */
  readonly firewall: HostFirewall
  /** Every object it may write. */
  readonly objects: readonly KubeObject[]
  /** Everything it may delete. */
  readonly removes: readonly ObjectRef[]
  /** HostEndpoints written one after the other. */
  readonly batches: readonly Batch[]
}

/** A plan as a change. */
export const changeOf = (plan: Plan): Change => ({
  firewall: plan.firewall,
  objects: objectsOf(plan),
  removes: [...plan.finish.remove, ...takenOver(plan).map(refOf)],
  batches: plan.batches,
})
