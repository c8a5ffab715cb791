import type { Facts } from '../firewall/facts/facts.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import { type Cast, castOf } from './cast.ts'
import { changeOf } from './change.ts'
import { failsafesAfter } from './failsafes-after.ts'
import { missingFailsafes } from './missing-failsafes.ts'
import { planStates } from './plan-states.ts'
import { type Proof, proveStates } from './prove-states.ts'
import { strangePods } from './strange-pods.ts'
import { isHostEndpoint } from './world-edits.ts'

/**
 * Proves that no state a rollout can stand in cuts a lifeline that worked before. A flow that was allowed must stay allowed; "unknown" is no
 * proof and refuses too. It knows what the facts tell: a flow through something they do not show is not in it.
 */
export const provePlan = ({ facts, plan }: { readonly facts: Facts; readonly plan: Plan }): Proof =>
  proveCast(castOf(facts, changeOf(plan)), facts, plan)

/** The proof with the nodes it asks about chosen already. */
export const proveCast = (cast: Cast, facts: Facts, plan: Plan): Proof => {
  const batches = plan.batches.map((batch) => ({ ...batch, hostEndpoints: batch.hostEndpoints.filter(cast.keeps) }))
  const proof = proveStates(cast, planStates(cast.facts, { ...plan, batches }))
  const hostEndpoints = [...facts.hostEndpoints, ...plan.batches.flatMap((batch) => batch.hostEndpoints).filter(isHostEndpoint)]
  const after = failsafesAfter({ failsafes: failsafesAfter(facts, plan.failsafes) }, plan.narrowing?.all)
  const missing = missingFailsafes(facts, { hostEndpoints, failsafes: after }, plan.firewall)
  // Nothing of a plan that closes nothing cuts them.
  const strange = hostEndpoints.length === 0 ? [] : strangePods(facts, plan.firewall)
  return { ...proof, refusals: [...missing, ...strange, ...proof.refusals] }
}
