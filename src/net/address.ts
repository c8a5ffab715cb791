import { FwError } from '../errors.ts'

declare const addressBrand: unique symbol
/** An IP address in canonical text: dotted quad, or RFC 5952 for IPv6. Made only by {@link parseAddress} and {@link addressOf}. */
export type Address = string & { readonly [addressBrand]: true }
/** IPv4 or IPv6. */
export type Family = 4 | 6

/** Bits in an address of the family: 32 or 128. */
export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128)

/** The family of a canonical address or CIDR text. */
export const familyOf = (text: Address | string): Family => (text.includes(':') ? 6 : 4)

/**
 * Parses one address strictly: four decimal octets without leading zeros (010.0.0.1 is octal to some readers and decimal to others),
 * or RFC 4291 IPv6 without zone and without an embedded IPv4 (an IPv4-mapped address means different things to different stacks).
 * @throws FwError FW_BAD_ADDRESS
 */
export const parseAddress = (text: string): Address => {
  // IPv4 that is read strictly is canonical as it stands.
  if (ipv4Value(text) !== undefined) return text as Address
  const value = addressValue(text)
  if (value === undefined) {
    throw new FwError('FW_BAD_ADDRESS', `"${text}" is not an IP address`, {
      fix: 'write IPv4 as 192.168.218.180 (no leading zeros) or IPv6 as 2001:db8::1 (no zone, no embedded IPv4)',
    })
  }
  return addressOf(value.family, value.value)
}

/** Whether the text is an address {@link parseAddress} takes. */
export const isAddress = (text: string): boolean => addressValue(text) !== undefined

/** The number behind an address: 0 to 2^32-1 or 2^128-1. */
export const numberOf = (address: Address): bigint => addressValue(address)?.value ?? 0n

/** The canonical text of a number in a family. */
export const addressOf = (family: Family, value: bigint): Address =>
  (family === 4 ? [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.') : ipv6Text(value)) as Address

const addressValue = (text: string): { family: Family; value: bigint } | undefined => {
  const value = text.includes(':') ? ipv6Value(text) : ipv4Value(text)
  return value === undefined ? undefined : { family: familyOf(text), value }
}

const quad = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/** The most called of all here: of 5,000 nodes millions are read. */
const ipv4Value = (text: string): bigint | undefined => {
  const octets = quad.exec(text)
  if (octets === null) return undefined
  let value = 0
  for (let at = 1; at <= 4; at++) {
    const octet = Number(octets[at])
    if (octet > 255) return undefined
    value = value * 256 + octet
  }
  return BigInt(value)
}

const ipv6Value = (text: string): bigint | undefined => {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (!groups.flat().every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  const [head = [], tail = []] = groups
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail]
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
  return value >> 32n === 0xffffn ? undefined : value
}

/** RFC 5952: lower case, the first longest run of two or more zero groups becomes `::`. */
const ipv6Text = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > best.length) best = { at, length }
  }
  if (best.at < 0) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}
