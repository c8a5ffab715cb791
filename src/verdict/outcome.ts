import type { Decision, Verdict } from './model.ts'

/** The decisions so far, the last one first; shared between alternatives. */
export interface Trail {
  readonly decision: Decision
  readonly before: Trail | undefined
}

/** A verdict with its trail not yet laid out. */
export interface Outcome {
  readonly action: Verdict['action']
  readonly trail: Trail | undefined
}

/** The trail with one more decision. */
export const noted = (before: Trail | undefined, decision: Decision): Trail => ({ decision, before })

/** Ends the way of a packet with a last decision. */
export const end = (action: Verdict['action'], before: Trail | undefined, decision: Decision): Outcome => ({ action, trail: noted(before, decision) })

/** The model does not know; the text says what it would have to know. */
export const unknown = (before: Trail | undefined, node: string, what: string): Outcome =>
  end('unknown', before, { node, stage: 'route', text: `unknown: ${what}` })

/**
 * One outcome out of several that are all possible: theirs where they agree, else unknown. Stops at the first disagreement.
 * `open` names what decides between them.
 */
export const agree = (before: Trail | undefined, node: string, open: string, alternatives: Iterable<() => Outcome>): Outcome => {
  let first: Outcome | undefined
  for (const alternative of alternatives) {
    const outcome = alternative()
    if (outcome.action === 'unknown') return outcome
    if (first === undefined) first = outcome
    else if (first.action !== outcome.action) {
      const denied = first.action === 'deny' ? first : outcome
      return unknown(denied.trail, node, `${open}; one way it is allowed, the other way denied (${denied.trail?.decision.text})`)
    }
  }
  return first ?? unknown(before, node, `${open}; there is no candidate`)
}

/** The verdict with its decisions in the order they were taken. */
export const verdictOf = ({ action, trail }: Outcome): Verdict => {
  const decisions: Decision[] = []
  for (let at = trail; at !== undefined; at = at.before) decisions.push(at.decision)
  return { action, decisions: decisions.reverse() }
}
