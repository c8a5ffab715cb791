import type { Flavour } from '../../src/firewall/facts/facts.ts'
import type { Harm } from '../../src/simulator/api/faults.ts'

/** Something that goes wrong in a run through the simulator. Times are milliseconds of virtual time after the run began. */
export type Mishap =
  /** The client is gone once this many of its writes have landed. */
  | { readonly kind: 'crash'; readonly write: number }
  | { readonly kind: 'call'; readonly at: number; readonly method: string; readonly times: number; readonly after: boolean; readonly harm: Harm }
  | { readonly kind: 'away'; readonly at: number; readonly ms: number; readonly what: Away }
  | { readonly kind: 'reset'; readonly at: number }
  | { readonly kind: 'second operator'; readonly at: number }
  | { readonly kind: 'foreign hand'; readonly at: number; readonly pick: number; readonly does: 'edits' | 'deletes' }
  | { readonly kind: 'interrupt'; readonly at: number; readonly choice: 'open' | 'leave' | 'go-on' }

/** What can be gone for a while. */
type Away = 'controllers' | 'API server' | 'network' | 'aggregated API'

/** A history to be played: the same seed and number give the same one. */
export interface Schedule {
  readonly flavour: Flavour
  readonly answer: 'keep' | 'open' | 'leave'
  readonly mishaps: readonly Mishap[]
}

/** How long a run takes and how much it writes when nothing goes wrong. */
export interface Measure {
  readonly ms: number
  readonly writes: number
}

const harms: readonly Harm[] = [
  ...[409, 422, 500, 503].map((code): Harm => ({ kind: 'status', code })),
  { kind: 'status', code: 429, retryAfter: 1 },
  { kind: 'reset' },
  { kind: 'hang' },
  { kind: 'truncate' },
  { kind: 'slow', ms: 4_000 },
  { kind: 'slow', ms: 12_000 },
]

/** Draws one history. */
export const drawSchedule = (chance: () => number, flavour: Flavour, { ms, writes }: Measure): Schedule => {
  const below = (most: number): number => Math.floor(chance() * most)
  const oneOf = <One>(some: readonly One[]): One => some[below(some.length)] as One
  const mishap = (): Mishap => {
    const at = below(ms)
    const drawn = chance()
    if (drawn < 0.25) return { kind: 'crash', write: 1 + below(writes) }
    if (drawn < 0.55) {
      const method = oneOf(['GET', 'PATCH', 'PATCH', 'POST', 'PUT', 'DELETE'])
      return { kind: 'call', at, method, times: 1 + below(3), after: chance() < 0.5, harm: oneOf(harms) }
    }
    if (drawn < 0.75) {
      const gone =
        flavour === 'aggregated'
          ? (['controllers', 'API server', 'network', 'aggregated API'] as const)
          : (['controllers', 'API server', 'network'] as const)
      return { kind: 'away', at, ms: 1_000 + below(60_000), what: oneOf(gone) }
    }
    if (drawn < 0.8) return { kind: 'reset', at }
    if (drawn < 0.87) return { kind: 'second operator', at }
    if (drawn < 0.95) return { kind: 'foreign hand', at, pick: below(1_000), does: oneOf(['edits', 'deletes']) }
    return { kind: 'interrupt', at, choice: oneOf(['open', 'leave', 'go-on']) }
  }
  const answer = chance() < 0.8 ? 'keep' : oneOf(['open', 'leave'] as const)
  return { flavour, answer, mishaps: Array.from({ length: 1 + below(3) }, mishap) }
}

/** A mishap in words. */
export const wordsOf = (mishap: Mishap): string => {
  const when = 'at' in mishap ? `${(mishap.at / 1000).toFixed(1)} s: ` : ''
  switch (mishap.kind) {
    case 'crash':
      return `the client dies once write ${mishap.write} has landed`
    case 'call':
      return `${when}${mishap.times} x ${mishap.method}${mishap.after ? ', done,' : ''} meets ${JSON.stringify(mishap.harm)}`
    case 'away':
      return `${when}the ${mishap.what} away for ${(mishap.ms / 1000).toFixed(1)} s`
    case 'reset':
      return `${when}every connection is reset`
    case 'second operator':
      return `${when}a second operator rolls back`
    case 'foreign hand':
      return `${when}somebody ${mishap.does} object ${mishap.pick}`
    case 'interrupt':
      return `${when}Ctrl-C, ${mishap.choice}`
  }
}
