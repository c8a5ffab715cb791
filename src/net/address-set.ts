import { addressOf, bitsOf, type Family } from './address.ts'
import type { AddressRange, Cidr } from './cidr.ts'

const compare = (one: AddressRange, other: AddressRange): number =>
  one.family - other.family || (one.first < other.first ? -1 : one.first > other.first ? 1 : 0)

/** The same addresses in as few ranges as there are gaps between them, in order. */
export const joinRanges = (ranges: Iterable<AddressRange>): AddressRange[] => {
  const joined: AddressRange[] = []
  for (const range of [...ranges].sort(compare)) {
    const last = joined.at(-1)
    if (last !== undefined && last.family === range.family && range.first <= last.last + 1n) {
      if (range.last > last.last) joined[joined.length - 1] = { ...last, last: range.last }
    } else joined.push(range)
  }
  return joined
}

/** The fewest CIDRs that hold exactly the addresses of a range. */
export const cidrsOf = ({ family, first, last }: AddressRange): Cidr[] => {
  const cidrs: Cidr[] = []
  const bits = bitsOf(family)
  for (let at = first; at <= last; ) {
    let length = bits
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1)
      if (at % size !== 0n || at + size - 1n > last) break
      length--
    }
    cidrs.push(`${addressOf(family, at)}/${length}` as Cidr)
    at += 1n << BigInt(bits - length)
  }
  return cidrs
}

/** Every address of a family, cut wherever one of the ranges begins or ends: no range holds a part of a piece without the rest. */
export const piecesOf = (family: Family, ranges: Iterable<AddressRange>): AddressRange[] => {
  const end = (1n << BigInt(bitsOf(family))) - 1n
  const starts = new Set<bigint>([0n])
  for (const range of ranges) {
    if (range.family !== family) continue
    starts.add(range.first)
    if (range.last < end) starts.add(range.last + 1n)
  }
  const sorted = [...starts].sort((one, other) => (one < other ? -1 : 1))
  return sorted.map((first, at) => ({ family, first, last: (sorted[at + 1] ?? end + 1n) - 1n }))
}
