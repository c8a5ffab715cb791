import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
import { createAddressBook } from '../verdict/address-book.ts'
import { createDecider } from '../verdict/verdicts.ts'
import { worldOf } from '../verdict/world.ts'
import { type Cast, castOf } from './cast.ts'
import type { LifeLine, ProofRefusal } from './life-line.ts'
import { lifeLines } from './life-lines.ts'
import { missingFailsafes } from './missing-failsafes.ts'
import { planStates } from './plan-states.ts'
import { remedyOf, ruleOf } from './reasons.ts'

/** What the proof found. */
export interface Proof {
  /** What was asked: life lines, states, and the nodes that stood for all. */
  readonly scope: { readonly lifeLines: number; readonly states: number; readonly nodes: number; readonly kinds: number }
  /** One per flow, in the first state that cuts it. Empty: the plan may go ahead. */
  readonly refusals: readonly ProofRefusal[]
  /** Verdicts taken. */
  readonly checked: number
  /** Flows the model could not decide before the first write, and no state denies: shown, not counted as proved. */
  readonly undecided: readonly { readonly flow: string; readonly why: string }[]
}

/**
 * Proves that no state a rollout can stand in cuts a life line that worked before. A flow that was allowed must stay allowed; "unknown" is no
 * proof and refuses too. It knows what the facts tell: a flow through something they do not show is not in it.
 */
export const provePlan = ({ facts, plan }: { readonly facts: Facts; readonly plan: Plan }): Proof => proveCast(castOf(facts, plan), facts, plan)

/** The proof with the nodes it asks about chosen already. */
export const proveCast = (cast: Cast, facts: Facts, plan: Plan): Proof => {
  const book = createAddressBook()
  const before = createDecider(worldOf(cast.facts), book)
  const asked = lifeLines(cast).map((line) => ({ line, was: before.action(line.connection) }))
  const isBare = cast.facts.hostEndpoints.length === 0
  const refused = new Map<LifeLine, ProofRefusal>()
  let [checked, states] = [asked.length, 0]
  for (const { name, world, changed } of planStates(cast.facts, cast.plan)) {
    states++
    // Without a HostEndpoint nothing of Calico's judges a node's packets: such a state is the first one, whatever else it holds.
    if (isBare && world.hostEndpoints.length === 0) continue
    const decider = createDecider(world, book)
    for (const { line, was } of asked) {
      if (was === 'deny' || !isAffected(line, changed) || refused.has(line)) continue
      checked++
      const action = decider.action(line.connection)
      if (action === 'allow' || action === was) continue
      const now = decider.verdict(line.connection)
      refused.set(line, { flow: line.title, state: name, rule: ruleOf(now), why: line.why, remedy: remedyOf(line, now, cast) })
    }
  }
  const undecided = asked.flatMap(({ line, was }) =>
    was === 'unknown' && !refused.has(line) ? [{ flow: line.title, why: ruleOf(before.verdict(line.connection)) }] : [],
  )
  const scope = { lifeLines: asked.length, states, nodes: cast.nodes, kinds: cast.kinds }
  return { scope, refusals: [...missingFailsafes(facts, plan), ...refused.values()], checked, undecided }
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

const isAffected = ({ nodes }: LifeLine, changed: readonly string[] | undefined): boolean =>
  changed === undefined || nodes.length === 0 || nodes.some((node) => changed.includes(node))
