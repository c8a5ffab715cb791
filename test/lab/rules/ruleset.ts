import type { Header, Ip } from './header.ts'

/** How connection tracking sees a packet. */
export type CtState = 'NEW' | 'ESTABLISHED' | 'INVALID' | 'UNTRACKED'

/** A packet on its way through one node's hooks: what rules read and change. */
export interface Flight {
  header: Header
  readonly inInterface: string | undefined
  outInterface: string | undefined
  mark: number
  ct: CtState
  /** Rules of the raw table took it out of connection tracking. */
  notrack: boolean
  /** Connection tracking's status bits. */
  dnat: boolean
  snat: boolean
  /** What the node knows beyond its rules: its addresses and routes. */
  readonly surroundings: Surroundings
  /** The rule that ended its way, for people. */
  endedBy?: string
  /** Picks one of `count` ways where the kernel would throw dice. */
  readonly choose: (count: number) => number
}

/** What rules ask of the node beside the packet. */
export interface Surroundings {
  readonly isLocal: (ip: Ip) => boolean
  /** The interface a packet to an address would leave by; undefined where no route leads. */
  readonly routeTo: (ip: Ip) => string | undefined
  /** The address a masquerade shows on an interface. */
  readonly addressOn: (outInterface: string, family: 4 | 6) => Ip | undefined
}

/** What a statement of a rule decides. */
export type Verdict = 'accept' | 'drop' | 'reject' | 'return' | { readonly jump: string } | { readonly goto: string }

/** One condition or action of a rule: `false` ends the rule, `true` goes on with the next one, a verdict decides. */
export type Statement = (flight: Flight) => boolean | Verdict

/** A chain's rules in order. */
export type Chain = readonly (readonly Statement[])[]

/** The netfilter hooks rules hang on. */
export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

/** Where a hook enters a table. */
export interface BaseChain {
  readonly hook: Hook
  /** Lower is earlier: raw -300, connection tracking -200, mangle -150, DNAT -100, filter 0, SNAT 100. */
  readonly priority: number
  readonly isNat: boolean
  readonly policy: 'accept' | 'drop'
  readonly chain: string
}

/** Rules that can jump to each other, of one address family. */
export interface Table {
  readonly name: string
  readonly family: 4 | 6
  readonly chains: ReadonlyMap<string, Chain>
  readonly bases: readonly BaseChain[]
  /** Whether any of its rules takes packets out of connection tracking. */
  readonly untracks: boolean
}

type Fate = 'accept' | 'drop' | 'reject'

/** Deeper than any real ruleset, and an end to a loop that a misread dump would make. */
const deepest = 64

/** Walks a chain; undefined where no rule of it decides. */
const walk = (table: Table, name: string, flight: Flight, depth: number): Fate | undefined => {
  const chain = table.chains.get(name)
  if (chain === undefined) throw new Error(`table ${table.name} has no chain ${name}`)
  if (depth > deepest) throw new Error(`chains of table ${table.name} nest deeper than ${deepest} at ${name}`)
  for (const [index, rule] of chain.entries()) {
    for (const statement of rule) {
      const result = statement(flight)
      if (result === true) continue
      if (result === false) break
      if (result === 'return') return undefined
      if (typeof result === 'string') {
        if (result !== 'accept') flight.endedBy = `${result} in ${table.name} ${name}[${index}]`
        return result
      }
      if ('goto' in result) return walk(table, result.goto, flight, depth + 1)
      const inner = walk(table, result.jump, flight, depth + 1)
      if (inner !== undefined) return inner
    }
  }
  return undefined
}

/** Connection tracking takes a packet between raw and mangle. */
const tracking = -200

/**
 * Takes a packet through one hook: every base chain on it by priority. An accept ends its own table only, anything else is final. NAT chains see
 * only the first packet of a tracked connection, and once it is translated (or was looked at for that) no further ones.
 */
export const throughHook = (tables: readonly Table[], hook: Hook, flight: Flight): Fate => {
  const { family } = flight.header.destination
  const bases = tables
    .filter((table) => table.family === family)
    .flatMap((table) => table.bases.filter((base) => base.hook === hook).map((base) => ({ table, base })))
    .sort((one, other) => one.base.priority - other.base.priority)
  let translated = false
  for (const { table, base } of bases) {
    if (base.priority > tracking && flight.notrack) flight.ct = 'UNTRACKED'
    if (base.isNat && (flight.ct !== 'NEW' || translated)) continue
    const before = flight.header
    const fate = walk(table, base.chain, flight, 0) ?? base.policy
    if (base.isNat && flight.header !== before) translated = true
    if (fate !== 'accept') return fate
  }
  if (flight.notrack) flight.ct = 'UNTRACKED'
  return 'accept'
}
