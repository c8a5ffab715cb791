import type { EntityRule, Rule } from '../calico/shapes.ts'
import { familyOf } from '../net/address.ts'

/** Slots of one iptables multiport match; a range takes two (felix/rules/policy.go `SplitPortList`). */
const portSlots = 15

/**
 * What Felix 3.32 programs of a rule. Lists that do not fit one kernel rule become blocks that are and-ed by two mark bits, and the bit that says "this
 * block matched" is never cleared between blocks: of source ports, destination ports, source nets and destination nets only the first two
 * that need a block count, the others match everything (felix/rules/policy.go `matchBlockBuilder.finishPositiveBlock`).
 */
export const asProgrammed = (rule: Rule): Rule => {
  const lists = [
    { side: 'source', list: 'ports', isBlock: needsPortBlock(rule.source) },
    { side: 'destination', list: 'ports', isBlock: needsPortBlock(rule.destination) },
    { side: 'source', list: 'nets', isBlock: (rule.source?.nets?.length ?? 0) > 1 },
    { side: 'destination', list: 'nets', isBlock: (rule.destination?.nets?.length ?? 0) > 1 },
  ] as const
  const lost = lists.filter(({ isBlock }) => isBlock).slice(2)
  if (lost.length === 0) return rule
  const net = rule.source?.nets?.[0] ?? rule.destination?.nets?.[0]
  const kept = { ...rule, ...(net === undefined ? {} : { ipVersion: familyOf(net) }) }
  const without = (side: 'source' | 'destination'): Partial<Rule> => {
    const gone = lost.filter((one) => one.side === side).map(({ list }) => list as string)
    const entries = Object.entries(rule[side] ?? {}).filter(([key]) => !gone.includes(key))
    return rule[side] === undefined ? {} : { [side]: Object.fromEntries(entries) }
  }
  return { ...kept, ...without('source'), ...without('destination') }
}

const needsPortBlock = ({ ports = [] }: EntityRule = {}): boolean => {
  let [groups, free] = [0, 0]
  for (const port of ports) {
    if (!/^\d+(:\d+)?$/.test(String(port))) {
      // A named port is a set of its own.
      groups++
      continue
    }
    const slots = String(port).includes(':') && new Set(String(port).split(':')).size > 1 ? 2 : 1
    if (free < slots) {
      groups++
      free = portSlots
    }
    free -= slots
  }
  return groups > 1
}
