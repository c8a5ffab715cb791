import { FwError } from '../errors.ts'
import { type Address, addressOf, bitsOf, type Family, familyOf, isAddress, numberOf, parseAddress } from './address.ts'

declare const cidrBrand: unique symbol
/** A network in canonical text, `address/length`, no host bits set. Made only by {@link parseCidr} and {@link hostCidr}. */
export type Cidr = string & { readonly [cidrBrand]: true }

/** The addresses a CIDR spans, both ends included. */
export interface AddressRange {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

/**
 * Parses one CIDR strictly: a strict address, `/`, a prefix length without leading zeros, no host bits. A bare address is refused:
 * Calico's GlobalNetworkSet takes CIDRs only, and a silent /32 hides typing errors.
 * @throws FwError FW_BAD_CIDR
 */
export const parseCidr = (text: string): Cidr => {
  const [host = '', length = '', ...rest] = text.split('/')
  const isPrefix = /^(0|[1-9]\d{0,2})$/.test(length)
  if (rest.length > 0 || !isPrefix || !isAddress(host) || Number(length) > bitsOf(familyOf(host))) {
    const fix = isAddress(text) ? `write ${hostCidr(parseAddress(text))}` : 'write a network such as 10.233.0.0/16 or 2001:db8::/32'
    throw new FwError('FW_BAD_CIDR', `"${text}" is not a CIDR`, { fix })
  }
  const address = parseAddress(host)
  const { first } = spanOf(address, Number(length))
  const network = addressOf(familyOf(address), first)
  if (first !== numberOf(address)) {
    throw new FwError('FW_BAD_CIDR', `"${text}" has host bits set`, {
      fix: `write ${network}/${length}, or ${hostCidr(address)} for the one address`,
    })
  }
  return `${network}/${length}` as Cidr
}

/** The CIDR of exactly one address: /32 or /128. */
export const hostCidr = (address: Address): Cidr => `${address}/${bitsOf(familyOf(address))}` as Cidr

/** The network of the given prefix length around an address. */
export const networkOf = (address: Address, length: number): Cidr => {
  const { family, first } = spanOf(address, length)
  return `${addressOf(family, first)}/${length}` as Cidr
}

/** Whether a CIDR is one address. */
export const isHostCidr = (cidr: Cidr): boolean => partsOf(cidr).length === bitsOf(familyOf(cidr))

/** The address part and prefix length of a CIDR. */
export const partsOf = (cidr: Cidr): { address: Address; length: number } => {
  const [address = '', length = '0'] = cidr.split('/')
  return { address: address as Address, length: Number(length) }
}

/** The span of addresses in a CIDR. */
export const rangeOf = (cidr: Cidr): AddressRange => {
  const { address, length } = partsOf(cidr)
  return spanOf(address, length)
}

/** Whether the address lies in the CIDR; never across families. */
export const contains = (cidr: Cidr, address: Address): boolean => familyOf(cidr) === familyOf(address) && holds(rangeOf(cidr), address)

/** Whether a span holds an address; for asking one span many times. */
export const holds = ({ family, first, last }: AddressRange, address: Address): boolean => {
  if (family !== familyOf(address)) return false
  const value = numberOf(address)
  return first <= value && value <= last
}

/** Whether every address of `inner` lies in `outer`. */
export const covers = (outer: Cidr, inner: Cidr): boolean => {
  const [a, b] = [rangeOf(outer), rangeOf(inner)]
  return a.family === b.family && a.first <= b.first && b.last <= a.last
}

/** Whether two CIDRs share an address. */
export const overlaps = (one: Cidr, other: Cidr): boolean => covers(one, other) || covers(other, one)

/** Canonical order: IPv4 before IPv6, then by first address, then the wider first. Makes every list we write byte-deterministic. */
export const compareCidrs = (one: Cidr, other: Cidr): number => compareRanges(rangeOf(one), rangeOf(other))

/** Sorted by {@link compareCidrs}, each text read once. */
export const sortCidrs = (cidrs: Iterable<Cidr>): Cidr[] =>
  ranged(cidrs)
    .sort((one, other) => compareRanges(one.range, other.range))
    .map(({ cidr }) => cidr)

/** Sorted, without repeats and without networks another one already covers. */
export const mergeCidrs = (cidrs: Iterable<Cidr>): Cidr[] => {
  const merged: { readonly cidr: Cidr; readonly range: AddressRange }[] = []
  for (const one of ranged(new Set(cidrs)).sort((a, b) => compareRanges(a.range, b.range))) {
    const last = merged.at(-1)?.range
    if (last === undefined || last.family !== one.range.family || last.last < one.range.last) merged.push(one)
  }
  return merged.map(({ cidr }) => cidr)
}

const ranged = (cidrs: Iterable<Cidr>) => Array.from(cidrs, (cidr) => ({ cidr, range: rangeOf(cidr) }))

const compareRanges = (a: AddressRange, b: AddressRange): number => {
  if (a.family !== b.family) return a.family - b.family
  if (a.first !== b.first) return a.first < b.first ? -1 : 1
  return a.last === b.last ? 0 : a.last > b.last ? -1 : 1
}

const spanOf = (address: Address, length: number): AddressRange => {
  const family = familyOf(address)
  const hostBits = BigInt(bitsOf(family) - length)
  const first = (numberOf(address) >> hostBits) << hostBits
  return { family, first, last: first + (1n << hostBits) - 1n }
}
