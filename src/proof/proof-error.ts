import { FwError } from '../errors.ts'
import type { ProofRefusal } from './life-line.ts'

/** A proof that found something, as the error that ends a run before its first write. `wayOut` is what else helps. */
export const proofError = (refusals: readonly ProofRefusal[], what = 'the plan', wayOut?: string): FwError => {
  const [first] = refusals
  const more = refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : ''
  return new FwError('FW_PROOF', `${what} would cut ${first?.flow ?? 'a lifeline'}${more}`, {
    why: `in the state "${first?.state}": ${first?.rule}; ${first?.why}`,
    ...(first === undefined ? {} : { fix: wayOut === undefined ? first.remedy : `${first.remedy}; or ${wayOut}` }),
  })
}
