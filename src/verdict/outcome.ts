import type { Decision, Verdict } from './model.ts'

/** A decision not yet in words: texts are made only for who reads them. */
export interface Note {
  readonly stage: Decision['stage']
  readonly policy?: string
  readonly rule?: number
  readonly text: string | (() => string)
}

/** The decisions so far, the last one first; shared between alternatives. */
export interface Trail {
  readonly node: string
  readonly note: Note
  readonly before: Trail | undefined
}

/** A verdict with its trail not yet laid out. */
export interface Outcome {
  readonly action: Verdict['action']
  readonly trail: Trail | undefined
}

/** The trail with one more decision. */
export const noted = (before: Trail | undefined, node: string, note: Note): Trail => ({ node, note, before })

/** A trail that began by itself, put after another. */
export const onto = (before: Trail | undefined, trail: Trail | undefined): Trail | undefined =>
  before === undefined || trail === undefined ? (trail ?? before) : { ...trail, before: onto(before, trail.before) }

/** Ends the way of a packet with a last decision. */
export const end = (action: Verdict['action'], before: Trail | undefined, node: string, note: Note): Outcome => ({
  action,
  trail: { node, note, before },
})

/** The model does not know; the text says what it would have to know. */
export const unknown = (before: Trail | undefined, node: string, what: string | (() => string)): Outcome =>
  end('unknown', before, node, { stage: 'route', text: () => `unknown: ${wordsOf(what)}` })

/**
 * One outcome out of several that are all possible: theirs where they agree, else unknown. Stops at the first disagreement.
 * `open` names what decides between them.
 */
export const agree = <Way>(
  before: Trail | undefined,
  node: string,
  open: string | (() => string),
  ways: readonly Way[],
  go: (way: Way) => Outcome,
): Outcome => {
  if (ways.length === 1) return go(ways[0] as Way)
  let first: Outcome | undefined
  for (const way of ways) {
    const outcome = go(way)
    if (outcome.action === 'unknown') return outcome
    if (first === undefined) first = outcome
    else if (first.action !== outcome.action) {
      const denied = first.action === 'deny' ? first : outcome
      const why = () => (denied.trail === undefined ? '' : wordsOf(denied.trail.note.text))
      return unknown(denied.trail, node, () => `${wordsOf(open)}; one way it is allowed, the other way denied (${why()})`)
    }
  }
  return first ?? unknown(before, node, () => `${wordsOf(open)}; there is no candidate`)
}

/** The verdict with its decisions in the order they were taken. */
export const verdictOf = ({ action, trail }: Outcome): Verdict => {
  const decisions: Decision[] = []
  for (let at = trail; at !== undefined; at = at.before) decisions.push({ node: at.node, ...at.note, text: wordsOf(at.note.text) })
  return { action, decisions: decisions.reverse() }
}

const wordsOf = (text: string | (() => string)): string => (typeof text === 'string' ? text : text())
