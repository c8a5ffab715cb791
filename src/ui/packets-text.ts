import { type Address, addressOf, bitsOf, type Family } from '../net/address.ts'
import { cidrsOf, joinRanges, piecesOf } from '../net/address-set.ts'
import { type AddressRange, holds, parseCidr, rangeOf } from '../net/cidr.ts'
import type { PlanPackets } from '../proof/plan-packets.ts'
import { counted, listed } from './wrap.ts'

/** What no packet on a wire comes from: not worth a word either way. */
const nobody = ['127.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32', '::1/128', 'ff00::/8'].map((net) => rangeOf(parseCidr(net)))

/** The packet sets of a plan in sentences: `closes every TCP port but 22 on ws1 (192.168.218.174), for everyone but 10.233.0.0/16`. */
export const packetsText = ({ changes, nodes, leftOut }: PlanPackets): string[] => {
  const names = new Map<string, string>(
    nodes.flatMap(({ name, addresses, like }) => addresses.map((address) => [address, nodeText(name, address, like)])),
  )
  const isOfNodes = ({ destinations }: PlanPackets['changes'][number]) =>
    destinations.some((range) => nodes.some(({ addresses }) => addresses.some((address) => holds(range, address))))
  const told = changes.filter(({ change }) => change !== 'unclear').sort((one, other) => Number(isOfNodes(other)) - Number(isOfNodes(one)))
  const unclear = changes.length - told.length
  return [
    ...told.map(({ change, sources, destinations, traffic }) => {
      const targets = some(destinations.flatMap(cidrsOf).flatMap((cidr) => addressesText(cidr, names)))
      return `${change} ${traffic} on ${targets}, for ${sourcesText(sources)}`
    }),
    ...(unclear === 0 ? [] : [`${unclear} more packet ${unclear === 1 ? 'set' : 'sets'} could not be decided: plan -o json lists them`]),
    ...(leftOut === undefined ? [] : [`not asked about: ${leftOut}`]),
  ]
}

const nodeText = (name: string, address: Address, like: number): string =>
  like === 1 ? `${name} (${address})` : `${name} (${address}) and ${counted(like - 1, 'node')} like it`

/** Small networks are told address by address where one of those is a node's. */
const addressesText = (cidr: string, names: ReadonlyMap<string, string>): string[] => {
  const { family, first, last } = rangeOf(parseCidr(cidr))
  if (last - first > 15n) return [cidr]
  const own = Array.from({ length: Number(last - first) + 1 }, (_, at) => addressOf(family, first + BigInt(at)))
  if (own.length === 1 || own.some((address) => names.has(address))) return own.map((address) => names.get(address) ?? address)
  return [cidr]
}

/** Whoever is in it, or `everyone but` whoever is not, where that is shorter. */
const sourcesText = (ranges: readonly AddressRange[]): string => listed(([4, 6] as const).flatMap((family) => familyText(ranges, family)))

const familyText = (ranges: readonly AddressRange[], family: Family): string[] => {
  const own = joinRanges(ranges.filter((range) => range.family === family))
  if (own.length === 0) return []
  const inside = own.flatMap(cidrsOf)
  const rest = joinRanges(
    piecesOf(family, [...own, ...nobody]).filter(
      (piece) => ![...own, ...nobody].some((range) => range.family === family && range.first <= piece.first && piece.last <= range.last),
    ),
  ).flatMap(cidrsOf)
  const size = own.reduce((sum, { first, last }) => sum + last - first, 0n)
  const isMost = size > 1n << BigInt(bitsOf(family) - 1)
  const kind = family === 6 ? 'everyone over IPv6' : 'everyone'
  if (rest.length === 0) return [kind]
  return [isMost ? `${kind} but ${some(rest.map(short))}` : some(inside.map(short))]
}

/** So many networks are read; the document for programs has all. */
const read = 8

const some = (texts: readonly string[]): string =>
  texts.length <= read ? texts.join(', ') : `${texts.slice(0, read).join(', ')} and ${texts.length - read} networks more`

const short = (cidr: string): string => cidr.replace(/\/(32|128)$/, '')
