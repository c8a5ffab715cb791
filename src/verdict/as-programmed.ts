import { blockLists, enforcedBlocks } from '../calico/felix-blocks.ts'
import type { Rule } from '../calico/shapes.ts'
import { familyOf } from '../net/address.ts'

/** What Felix 3.32 programs of a rule: of the lists that need blocks it forgets all but the first two. */
export const asProgrammed = (rule: Rule): Rule => {
  const lost = blockLists(rule).slice(enforcedBlocks)
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
