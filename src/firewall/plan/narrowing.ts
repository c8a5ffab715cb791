import type { EntityRule, Rule } from '../../calico/shapes.ts'
import { type Cidr, covers } from '../../net/cidr.ts'

/**
 * Whether something the old rules let in is no longer let in by the new ones. It may say yes where the answer is no (an opening that only
 * several new rules together cover), never the other way round: yes means more care, a trial under the gate.
 */
export const narrows = (old: readonly Rule[], now: readonly Rule[]): boolean => {
  const same = new Set(now.map((rule) => JSON.stringify(rule)))
  const changed = old.filter((rule) => isAllow(rule) && !same.has(JSON.stringify(rule)))
  return changed.flatMap(partsOf).some((part) => !now.some((rule) => isAllow(rule) && ruleCovers(rule, part)))
}

/** Whether some net of the old list is in none of the new one. */
export const netsNarrow = (old: readonly Cidr[], now: readonly Cidr[]): boolean => !netsCover(now, old)

const isAllow = ({ action }: Rule): boolean => action === 'Allow'

/** How many pieces a rule is cut into at most; beyond that it is compared whole. */
const pieceLimit = 4096

/** A rule cut into one rule per pair of nets, for a list that grew may have been cut into rules elsewhere. */
const partsOf = (rule: Rule): Rule[] => {
  const [from, to] = [rule.source?.nets, rule.destination?.nets]
  if ((from?.length ?? 1) * (to?.length ?? 1) > pieceLimit) return [rule]
  const sides = (side: EntityRule | undefined): (EntityRule | undefined)[] => side?.nets?.map((net) => ({ ...side, nets: [net] })) ?? [side]
  return sides(rule.source).flatMap((source) =>
    sides(rule.destination).map((destination) => ({
      ...rule,
      ...(source === undefined ? {} : { source }),
      ...(destination === undefined ? {} : { destination }),
    })),
  )
}

const ruleCovers = (wide: Rule, narrow: Rule): boolean =>
  (wide.protocol === undefined || wide.protocol === narrow.protocol) &&
  (wide.ipVersion === undefined || wide.ipVersion === narrow.ipVersion) &&
  (wide.icmp === undefined || (wide.icmp.type === narrow.icmp?.type && (wide.icmp.code === undefined || wide.icmp.code === narrow.icmp?.code))) &&
  sideCovers(wide.source, narrow.source) &&
  sideCovers(wide.destination, narrow.destination)

const sideCovers = (wide: EntityRule = {}, narrow: EntityRule = {}): boolean =>
  (wide.nets === undefined || (narrow.nets !== undefined && netsCover(wide.nets as Cidr[], narrow.nets as Cidr[]))) &&
  (wide.selector === undefined || (wide.selector === narrow.selector && wide.namespaceSelector === narrow.namespaceSelector)) &&
  (wide.services === undefined || JSON.stringify(wide.services) === JSON.stringify(narrow.services)) &&
  (wide.ports === undefined || (narrow.ports?.every((port) => wide.ports?.some((other) => portCovers(other, port))) ?? false))

const netsCover = (wide: readonly Cidr[], narrow: readonly Cidr[]): boolean => narrow.every((net) => wide.some((other) => covers(other, net)))

const portCovers = (wide: number | string, narrow: number | string): boolean => {
  const [[first, last], [low, high]] = [boundsOf(wide), boundsOf(narrow)]
  return first <= low && high <= last
}

const boundsOf = (port: number | string): [number, number] => {
  const [first, last] = `${port}`.split(':').map(Number)
  return [first ?? 0, last ?? first ?? 0]
}
