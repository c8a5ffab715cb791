import { type Address, type Family, familyOf, numberOf } from './address.ts'
import type { AddressRange } from './cidr.ts'

/**
 * Sorts addresses into classes: two are in one class when each list of ranges holds both or neither. Costs a look-up per range and a step per
 * address it holds, so that thousands of addresses and lists stay cheap.
 */
export const partition = (addresses: readonly Address[], lists: Iterable<readonly AddressRange[]>): ReadonlyMap<Address, number> => {
  const lines = { 4: lineOf(addresses, 4), 6: lineOf(addresses, 6) }
  let classes = 2
  for (const ranges of lists) {
    for (const family of [4, 6] as const) {
      const line = lines[family]
      const held = heldBy(
        line,
        ranges.filter((range) => range.family === family),
      )
      const moved = new Map<number, number>()
      for (const at of held) {
        const old = line.classes[at] ?? 0
        const now = moved.get(old) ?? classes++
        moved.set(old, now)
        line.classes[at] = now
      }
    }
  }
  return new Map([lines[4], lines[6]].flatMap(({ addresses: sorted, classes: own }) => sorted.map((address, at) => [address, own[at] ?? 0])))
}

interface Line {
  readonly addresses: readonly Address[]
  readonly values: readonly bigint[]
  readonly classes: number[]
}

const lineOf = (addresses: readonly Address[], family: Family): Line => {
  const own = [...new Set(addresses)].filter((address) => familyOf(address) === family).map((address) => ({ address, value: numberOf(address) }))
  own.sort((one, other) => (one.value < other.value ? -1 : 1))
  return { addresses: own.map(({ address }) => address), values: own.map(({ value }) => value), classes: own.map(() => (family === 4 ? 0 : 1)) }
}

const heldBy = ({ values }: Line, ranges: readonly AddressRange[]): ReadonlySet<number> => {
  const held = new Set<number>()
  for (const { first, last } of ranges) {
    for (let at = firstFrom(values, first); at < values.length && (values[at] ?? 0n) <= last; at++) held.add(at)
  }
  return held
}

/** The index of the first value that is not smaller. */
const firstFrom = (values: readonly bigint[], wanted: bigint): number => {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? 0n) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
