import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
import { type Cast, castOf } from './cast.ts'
import { changeOf } from './change.ts'
import { failsafesAfter } from './failsafes-after.ts'
import type { ProofRefusal } from './life-line.ts'
import { missingFailsafes } from './missing-failsafes.ts'
import { planStates } from './plan-states.ts'
import { type Proof, proveStates } from './prove-states.ts'
import { isHostEndpoint } from './world-edits.ts'

/**
 * Proves that no state a rollout can stand in cuts a life line that worked before. A flow that was allowed must stay allowed; "unknown" is no
 * proof and refuses too. It knows what the facts tell: a flow through something they do not show is not in it.
 */
export const provePlan = ({ facts, plan }: { readonly facts: Facts; readonly plan: Plan }): Proof =>
  proveCast(castOf(facts, changeOf(plan)), facts, plan)

/** The proof with the nodes it asks about chosen already. */
export const proveCast = (cast: Cast, facts: Facts, plan: Plan): Proof => {
  const batches = plan.batches.map((batch) => ({ ...batch, hostEndpoints: batch.hostEndpoints.filter(cast.keeps) }))
  const proof = proveStates(cast, planStates(cast.facts, { ...plan, batches }))
  const hostEndpoints = [...facts.hostEndpoints, ...plan.batches.flatMap((batch) => batch.hostEndpoints).filter(isHostEndpoint)]
  const missing = missingFailsafes(facts, { hostEndpoints, failsafes: failsafesAfter(facts, plan.failsafes) })
  return { ...proof, refusals: [...missing, ...proof.refusals] }
}

/** A proof that found something, as the error that ends the run before its first write. */
export const proofError = (refusals: readonly ProofRefusal[]): FwError => {
  const [first] = refusals
  const more = refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : ''
  return new FwError('FW_PROOF', `the plan would cut ${first?.flow ?? 'a life line'}${more}`, {
    why: `in the state "${first?.state}": ${first?.rule}; ${first?.why}`,
    ...(first === undefined ? {} : { fix: first.remedy }),
  })
}
