import { createAddressBook } from '../verdict/address-book.ts'
import type { Verdict } from '../verdict/model.ts'
import { createDecider } from '../verdict/verdicts.ts'
import { worldOf } from '../verdict/world.ts'
import type { PlanState } from './acts.ts'
import type { Cast } from './cast.ts'
import type { LifeLine, ProofRefusal } from './life-line.ts'
import { lifeLines } from './life-lines.ts'
import { remedyOf, ruleOf } from './reasons.ts'
import { createLikening, namingIn } from './seen-worlds.ts'

/** What the proof found. */
export interface Proof {
  /** What was asked: lifelines, states, the cluster's nodes and kinds, and how many of them were asked about. */
  readonly scope: { readonly lifeLines: number; readonly states: number; readonly nodes: number; readonly kinds: number; readonly asked: number }
  /** One per flow, in the first state that cuts it. Empty: the change may go ahead. */
  readonly refusals: readonly ProofRefusal[]
  /** Verdicts taken, or known from a state that differs in nothing the lifeline depends on. */
  readonly checked: number
  /** Flows the model could not decide before the first write, and no state denies: shown, not counted as proved. */
  readonly undecided: readonly { readonly flow: string; readonly why: string }[]
}

interface Asked {
  readonly line: LifeLine
  readonly was: Verdict['action']
  /** Names of the worlds it was asked in. */
  readonly known: Set<string>
  refusal: ProofRefusal | undefined
}

/** Asks every lifeline that works now in every state: it must stay allowed. */
export const proveStates = (cast: Cast, states: Iterable<PlanState>): Proof => {
  const book = createAddressBook()
  const before = createDecider(worldOf(cast.facts), book)
  const asked = lifeLines(cast).map((line): Asked => ({ line, was: before.action(line.connection), known: new Set(), refusal: undefined }))
  const working = asked.filter(({ was }) => was !== 'deny')
  const refusals: ProofRefusal[] = []
  const isBare = cast.facts.hostEndpoints.length === 0
  let [checked, seen] = [asked.length, 0]
  const likened = createLikening(book)
  for (const { name: state, world: held, changed } of states) {
    seen++
    const world = likened(held)
    // Without a HostEndpoint nothing of Calico's judges a node's packets: such a state is the first one, whatever else it holds.
    if (isBare && world.hostEndpoints.length === 0) continue
    const decider = createDecider(world, book)
    const name = namingIn(world, book)
    for (const one of working) {
      const { line, was, known } = one
      if (one.refusal !== undefined || !isAffected(line, changed)) continue
      checked++
      const here = name(line)
      if (known.has(here)) continue
      known.add(here)
      const action = decider.action(line.connection)
      if (action === 'allow' || action === was) continue
      const now = decider.verdict(line.connection)
      one.refusal = { flow: line.title, state, rule: ruleOf(now), why: line.why, remedy: remedyOf(line, now, cast) }
      refusals.push(one.refusal)
    }
  }
  const undecided = asked.flatMap(({ line, was, refusal }) =>
    was === 'unknown' && refusal === undefined ? [{ flow: line.title, why: ruleOf(before.verdict(line.connection)) }] : [],
  )
  const scope = { lifeLines: asked.length, states: seen, nodes: cast.nodes, kinds: cast.kinds, asked: cast.facts.nodes.length }
  return { scope, refusals, checked, undecided }
}

const isAffected = ({ nodes }: LifeLine, changed: readonly string[] | undefined): boolean =>
  changed === undefined || nodes.length === 0 || nodes.some((node) => changed.includes(node))
