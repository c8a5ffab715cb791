import type { Family } from './address.ts'
import { joinRanges } from './address-set.ts'
import { type AddressRange, type Cidr, rangeOf } from './cidr.ts'

/** Nets made ready for many questions: each costs a search by halves, whatever their number. */
export interface NetIndex {
  /** Whether every address of the net lies in one of them, or in several together. */
  readonly covers: (net: Cidr) => boolean
  /** Whether the net shares an address with one of them. */
  readonly overlaps: (net: Cidr) => boolean
}

/** An index of nets. */
export const netIndex = (nets: Iterable<Cidr>): NetIndex => {
  const joined = joinRanges(Array.from(nets, rangeOf))
  const lines: Readonly<Record<Family, readonly AddressRange[]>> = {
    4: joined.filter(({ family }) => family === 4),
    6: joined.filter(({ family }) => family === 6),
  }
  /** The first range that does not end before the net begins. */
  const nextTo = ({ family, first }: AddressRange): AddressRange | undefined => {
    const line = lines[family]
    let [low, high] = [0, line.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((line[middle]?.last ?? 0n) < first) low = middle + 1
      else high = middle
    }
    return line[low]
  }
  return {
    covers: (net) => {
      const range = rangeOf(net)
      const found = nextTo(range)
      return found !== undefined && found.first <= range.first && range.last <= found.last
    },
    overlaps: (net) => {
      const range = rangeOf(net)
      const found = nextTo(range)
      return found !== undefined && found.first <= range.last
    },
  }
}
