import type { EntityRule, Rule } from './shapes.ts'

/** Slots of one iptables multiport match; a range takes two (Calico 3.32 felix/rules/policy.go `SplitPortList`). */
export const portSlots = 15

/** A list of a rule that does not fit one kernel rule. */
export interface BlockList {
  readonly side: 'source' | 'destination'
  readonly list: 'ports' | 'nets'
}

/**
 * The lists of a rule that Felix 3.32 programs as blocks, in its order. Blocks are and-ed by two mark bits, and the bit that says "this block matched" is
 * never cleared between them: only the first two count, the others match everything (felix/rules/policy.go `matchBlockBuilder.finishPositiveBlock`; measured).
 */
export const blockLists = ({ source, destination }: Pick<Rule, 'source' | 'destination'>): BlockList[] =>
  (
    [
      { side: 'source', list: 'ports', isBlock: needsPortBlock(source) },
      { side: 'destination', list: 'ports', isBlock: needsPortBlock(destination) },
      { side: 'source', list: 'nets', isBlock: (source?.nets?.length ?? 0) > 1 },
      { side: 'destination', list: 'nets', isBlock: (destination?.nets?.length ?? 0) > 1 },
    ] as const
  ).flatMap(({ isBlock, ...one }) => (isBlock ? [one] : []))

/** How many of the lists that need a block Felix enforces. */
export const enforcedBlocks = 2

/** Slots a port or range takes. */
export const slotsOf = (port: number | string): number => (String(port).includes(':') && new Set(String(port).split(':')).size > 1 ? 2 : 1)

const needsPortBlock = ({ ports = [] }: EntityRule = {}): boolean => {
  let [groups, free] = [0, 0]
  for (const port of ports) {
    if (!/^\d+(:\d+)?$/.test(String(port))) {
      // A named port is a set of its own.
      groups++
      continue
    }
    if (free < slotsOf(port)) {
      groups++
      free = portSlots
    }
    free -= slotsOf(port)
  }
  return groups > 1
}
