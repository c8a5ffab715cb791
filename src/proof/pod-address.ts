import type { NodeFacts } from '../firewall/facts/facts.ts'
import { type Address, addressOf, familyOf } from '../net/address.ts'
import { rangeOf } from '../net/cidr.ts'

/** A pod of a node, for questions: in each of its pod networks an address no pod is likely to share with a tunnel, the last but one. */
export const podOf = ({ podCidrs }: Pick<NodeFacts, 'podCidrs'>): Address[] =>
  podCidrs.map((cidr) => addressOf(familyOf(cidr), rangeOf(cidr).last - 1n))
