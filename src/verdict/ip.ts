import { readNet } from '../calico/nets.ts'
import { type Address, type Family, familyOf, numberOf } from '../net/address.ts'

/** An address made ready for many comparisons. */
export interface Ip {
  readonly text: Address
  readonly family: Family
  /** The value of an IPv4 address; 0 for IPv6. */
  readonly v4: number
  /** The value of an IPv6 address; 0 for IPv4. */
  readonly v6: bigint
  readonly loopback: boolean
  /** Multicast, limited broadcast, or IPv6 link-local: no router forwards a packet to it. */
  readonly onLink: boolean
  /** What address tests said of it, by their number: see address-book.ts, the only writer. */
  answers: Uint8Array
}

/** Whether an address lies in one of some nets. */
export type NetMatcher = (ip: Ip) => boolean

const noAnswers = new Uint8Array(0)

/** Prepares an address. */
export const ipOf = (text: Address): Ip => {
  const family = familyOf(text)
  const value = numberOf(text)
  const loopback = family === 4 ? value >> 24n === 127n : value === 1n
  const onLink = family === 4 ? value >> 28n === 14n || value === 0xffffffffn : value >> 120n === 0xffn || value >> 118n === 0x3fan
  return { text, family, v4: family === 4 ? Number(value) : 0, v6: family === 6 ? value : 0n, loopback, onLink, answers: noAnswers }
}

/** Prepares nets written as CIDRs or addresses; what Calico cannot read it skips, and so do we. One hash look-up per prefix length in use. */
export const netMatcher = (nets: Iterable<string>): NetMatcher => {
  const v4 = new Map<number, Set<number>>()
  const v6 = new Map<bigint, Set<bigint>>()
  for (const net of nets) {
    const range = readNet(net)
    if (range === undefined) continue
    const hostBits = (range.last - range.first).toString(2).replace(/^0$/, '').length
    if (range.family === 4) into(v4, hostBits, Number(range.first >> BigInt(hostBits)))
    else into(v6, BigInt(hostBits), range.first >> BigInt(hostBits))
  }
  const groups4 = [...v4]
  const groups6 = [...v6]
  return (ip) =>
    ip.family === 4
      ? groups4.some(([hostBits, networks]) => networks.has(hostBits === 32 ? 0 : ip.v4 >>> hostBits))
      : groups6.some(([hostBits, networks]) => networks.has(ip.v6 >> hostBits))
}

const into = <K, V>(groups: Map<K, Set<V>>, key: K, value: V): void => {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, new Set([value]))
  else group.add(value)
}
