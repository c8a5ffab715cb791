import { portSlots, slotsOf } from '../../calico/felix-blocks.ts'
import type { EntityRule, Rule } from '../../calico/shapes.ts'
import { familyOf } from '../../net/address.ts'
import { type Cidr, sortCidrs } from '../../net/cidr.ts'
import { formatPortRange, type PortRange, type Protocol } from '../../net/port.ts'

/** Limits of Calico's CRDs from v3.33 on; earlier releases state none, so what we write today survives the upgrade. */
export const ruleLimits = { rules: 1024, nets: 256, ports: 50 } as const

/** One opening before it is cut into rules: a side is either a finished entity or a list of nets; `undefined` is everywhere. */
export interface Opening {
  readonly protocol?: Protocol
  /** Empty: every port. */
  readonly ports: readonly PortRange[]
  readonly source: EntityRule | readonly Cidr[] | undefined
  readonly destination: EntityRule | readonly Cidr[]
}

/**
 * The Allow rules of an opening: one address family a rule (Calico refuses a rule that mixes them), at most {@link ruleLimits} entries
 * a list. Pairs of different families match nothing and give no rule. Where both sides are lists of nets, ports come in parts that fit one
 * multiport match: of three lists that need blocks Felix 3.32 enforces two, and such a rule would open destinations it does not name.
 */
export const allowRules = ({ protocol, ports, source, destination }: Opening): Rule[] =>
  sidesOf(destination).flatMap((to) =>
    sidesOf(source).flatMap((from): Rule[] => {
      if (to.family !== undefined && from.family !== undefined && to.family !== from.family) return []
      const written = ports.map(portOf)
      const parts = isList(to) && isList(from) ? multiports(written) : chunks(written, ruleLimits.ports)
      return parts.map((some): Rule => {
        const target = { ...to.entity, ...(some.length === 0 ? {} : { ports: some }) }
        return {
          action: 'Allow',
          ...(protocol === undefined ? {} : { protocol }),
          ...(from.entity === undefined ? {} : { source: from.entity }),
          destination: target,
        }
      })
    }),
  )

/** Parts of at most `size` items; one empty part for an empty list. */
export const chunks = <Item>(items: readonly Item[], size: number): Item[][] =>
  items.length === 0 ? [[]] : Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size))

/** Parts that take one multiport match each; one empty part for no ports. */
const multiports = (ports: readonly (number | string)[]): (number | string)[][] => {
  const parts: (number | string)[][] = [[]]
  let taken = 0
  for (const port of ports) {
    if (taken + slotsOf(port) > portSlots) {
      parts.push([])
      taken = 0
    }
    parts.at(-1)?.push(port)
    taken += slotsOf(port)
  }
  return parts
}

const isList = ({ entity }: Side): boolean => (entity?.nets?.length ?? 0) > 1

interface Side {
  readonly entity: EntityRule | undefined
  readonly family: 4 | 6 | undefined
}

/** Nets as entities: one family each, at most 256 nets each. */
export const netEntities = (nets: readonly Cidr[]): EntityRule[] => sidesOf(nets).flatMap(({ entity }) => (entity === undefined ? [] : [entity]))

const sidesOf = (side: EntityRule | readonly Cidr[] | undefined): Side[] => {
  if (side === undefined) return [{ entity: undefined, family: undefined }]
  if (!isNets(side)) return [{ entity: side, family: undefined }]
  return ([4, 6] as const).flatMap((family) => {
    const nets = sortCidrs(side.filter((cidr) => familyOf(cidr) === family))
    return nets.length === 0 ? [] : chunks(nets, ruleLimits.nets).map((some) => ({ entity: { nets: some }, family }))
  })
}

const isNets = (side: EntityRule | readonly Cidr[]): side is readonly Cidr[] => Array.isArray(side)

/** Calico writes a range with a colon: `30000:30010`. */
const portOf = (range: PortRange): number | string => (range.first === range.last ? range.first : formatPortRange(range).replace('-', ':'))
