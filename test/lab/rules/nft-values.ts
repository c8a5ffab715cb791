import { ipOf, netOf, protocolOf } from './header.ts'
import type { Flight } from './ruleset.ts'
import { addressSet } from './sets.ts'

/** Any JSON of `nft -j`. */
export type Json = string | number | null | readonly Json[] | { readonly [key: string]: Json }

/** What an expression of a rule says of a packet, as comparable text; undefined where the packet has no such field. */
export interface Reading {
  readonly kind: 'ip' | 'number' | 'name' | 'concat'
  readonly of: (flight: Flight) => string | undefined
}

/** Whether a reading is among the values a dump writes. */
export type Member = (flight: Flight) => boolean

const isObject = (json: Json | undefined): json is { readonly [key: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

/** The one key of an object such as `{"meta": ...}`, and what stands there. */
export const only = (json: Json): readonly [string, Json] => {
  if (!isObject(json)) throw new Error(`${JSON.stringify(json)} is not read here`)
  const [entry] = Object.entries(json)
  if (entry === undefined) throw new Error('an empty expression')
  return entry
}

/** A field of an object; undefined where it has none. */
export const field = (json: Json, key: string): Json | undefined => (isObject(json) ? json[key] : undefined)

const protocols: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, udplite: 136, icmp: 1, icmpv6: 58 }

/**
 * Reads the left side of a match.
 * @throws Error for a field the interpreter does not know
 */
export const readingOf = (json: Json): Reading => {
  const [key, value] = only(json)
  switch (key) {
    case 'payload':
      return payloadOf(String(field(value, 'protocol')), String(field(value, 'field')))
    case 'meta':
      return metaOf(String(field(value, 'key')))
    case 'concat': {
      const parts = (value as readonly Json[]).map(readingOf)
      return {
        kind: 'concat',
        of: (flight) => {
          const texts = parts.map((part) => part.of(flight))
          return texts.includes(undefined) ? undefined : texts.join(' . ')
        },
      }
    }
    case 'fib':
      return fibOf(value)
    case '&':
    case '|':
    case '^': {
      const number = numberOf(json)
      return { kind: 'number', of: (flight) => String(number(flight)) }
    }
    default:
      throw new Error(`"${key}" is not read here: ${JSON.stringify(json)}`)
  }
}

const payloadOf = (protocol: string, name: string): Reading => {
  if (protocol === 'ip' || protocol === 'ip6') {
    if (name === 'saddr') return { kind: 'ip', of: ({ header }) => String(header.source.value) }
    if (name === 'daddr') return { kind: 'ip', of: ({ header }) => String(header.destination.value) }
  }
  const number = protocols[protocol]
  // A named transport header stands for a match on its protocol too, which nft leaves out when it prints.
  const isIt = ({ header }: Flight) => protocol === 'th' || header.protocol === number
  const of = (pick: (flight: Flight) => number | undefined) => (flight: Flight) => (isIt(flight) ? textOf(pick(flight)) : undefined)
  switch (name) {
    case 'sport':
      return { kind: 'number', of: of(({ header }) => header.sourcePort) }
    case 'dport':
      return { kind: 'number', of: of(({ header }) => header.destinationPort) }
    case 'type':
      return { kind: 'name', of: of(({ header }) => header.icmp?.type) }
    case 'code':
      return { kind: 'name', of: of(({ header }) => header.icmp?.code) }
    default:
      throw new Error(`field ${protocol} ${name} is not read here`)
  }
}

const textOf = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))

const metaOf = (key: string): Reading => {
  switch (key) {
    case 'mark':
      return { kind: 'number', of: ({ mark }) => String(mark) }
    case 'l4proto':
      return { kind: 'name', of: ({ header }) => String(header.protocol) }
    case 'iifname':
      return { kind: 'name', of: ({ inInterface }) => inInterface }
    case 'oifname':
      return { kind: 'name', of: ({ outInterface }) => outInterface }
    default:
      throw new Error(`meta ${key} is not read here`)
  }
}

/** `fib saddr . mark . iif oif`: 0 where the way back to the sender is not the interface the packet came in by. `fib daddr type`: local or not. */
const fibOf = (json: Json): Reading => {
  const flags = (field(json, 'flags') ?? []) as readonly Json[]
  if (field(json, 'result') === 'oif')
    return {
      kind: 'name',
      of: ({ header, inInterface, surroundings }) => (surroundings.routeTo(header.source) === inInterface ? inInterface : '0'),
    }
  const side = flags.includes('saddr') ? 'source' : 'destination'
  return { kind: 'name', of: ({ header, surroundings }) => (surroundings.isLocal(header[side]) ? 'local' : 'unicast') }
}

/** An arithmetic expression over the mark. */
export const numberOf = (json: Json): ((flight: Flight) => number) => {
  if (typeof json === 'number') return () => json >>> 0
  const [key, value] = only(json)
  if (key === 'meta' && field(value, 'key') === 'mark') return ({ mark }) => mark
  const [one, other] = (value as readonly Json[]).map(numberOf)
  if (one === undefined || other === undefined) throw new Error(`${JSON.stringify(json)} is not read here`)
  if (key === '&') return (flight) => (one(flight) & other(flight)) >>> 0
  if (key === '|') return (flight) => (one(flight) | other(flight)) >>> 0
  if (key === '^') return (flight) => (one(flight) ^ other(flight)) >>> 0
  throw new Error(`"${key}" is not read here`)
}

const icmpTypes: Readonly<Record<string, number>> = {
  ...{ 'echo-reply': 0, 'destination-unreachable': 3, 'source-quench': 4, redirect: 5, 'echo-request': 8, 'router-advertisement': 9 },
  ...{ 'router-solicitation': 10, 'time-exceeded': 11, 'parameter-problem': 12, 'timestamp-request': 13, 'timestamp-reply': 14 },
  ...{ 'info-request': 15, 'info-reply': 16, 'address-mask-request': 17, 'address-mask-reply': 18 },
}
const icmpv6Types: Readonly<Record<string, number>> = {
  ...{ 'destination-unreachable': 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4, 'echo-request': 128, 'echo-reply': 129 },
  ...{ 'mld-listener-query': 130, 'mld-listener-report': 131, 'mld-listener-done': 132, 'mld-listener-reduction': 132 },
  ...{ 'nd-router-solicit': 133, 'nd-router-advert': 134, 'nd-neighbor-solicit': 135, 'nd-neighbor-advert': 136, 'nd-redirect': 137 },
}

/** How the values of one left side are written: what a name stands for there. */
export type Names = (text: string) => string

/** The names nft uses for values of an expression. */
export const namesFor = (json: Json): Names => {
  const [key, value] = only(json)
  if (key === 'payload' && field(value, 'field') === 'type') {
    const types = field(value, 'protocol') === 'icmpv6' ? icmpv6Types : icmpTypes
    return (text) => String(types[text] ?? Number(text))
  }
  if (key === 'meta' && field(value, 'key') === 'l4proto') return (text) => String(protocolOf(text))
  return (text) => text
}

/**
 * Whether a reading is among the values on the right of a match, or in a set.
 * @throws Error for values the interpreter does not know
 */
export const memberOf = (left: Json, values: readonly Json[]): Member => {
  const reading = readingOf(left)
  if (reading.kind === 'ip') return addressMember(left, values)
  if (reading.kind === 'concat') {
    const parts = (only(left)[1] as readonly Json[]).map((part) => ({ kind: readingOf(part).kind, names: namesFor(part) }))
    const keys = new Set(values.map((value) => concatKey(value, parts)))
    return (flight) => {
      const key = reading.of(flight)
      return key !== undefined && keys.has(key)
    }
  }
  const names = namesFor(left)
  const exact = new Set<string>()
  const ranges: (readonly [number, number])[] = []
  const prefixes: string[] = []
  for (const value of values) {
    const range = field(value, 'range') as readonly number[] | undefined
    if (range !== undefined) ranges.push([range[0] ?? 0, range[1] ?? 0])
    else if (typeof value === 'string' && value.endsWith('*')) prefixes.push(value.slice(0, -1))
    else exact.add(typeof value === 'string' ? names(value) : String(value))
  }
  return (flight) => {
    const text = reading.of(flight)
    if (text === undefined) return false
    return (
      exact.has(text) ||
      prefixes.some((prefix) => text.startsWith(prefix)) ||
      ranges.some(([low, high]) => low <= Number(text) && Number(text) <= high)
    )
  }
}

/** The text of one element of a concatenated set, as a reading of it would be. */
export const concatKey = (value: Json, parts: readonly { readonly kind: Reading['kind']; readonly names: Names }[]): string =>
  (field(value, 'concat') as readonly Json[])
    .map((part, index) => (parts[index]?.kind === 'ip' ? String(ipOf(String(part)).value) : (parts[index]?.names(String(part)) ?? String(part))))
    .join(' . ')

const addressMember = (left: Json, values: readonly Json[]): Member => {
  const nets: string[] = []
  const ranges: { first: ReturnType<typeof ipOf>; last: ReturnType<typeof ipOf> }[] = []
  for (const value of values) {
    const [prefix, range] = [field(value, 'prefix'), field(value, 'range') as readonly string[] | undefined]
    if (prefix !== undefined) nets.push(`${field(prefix, 'addr')}/${field(prefix, 'len')}`)
    else if (range !== undefined) ranges.push({ first: ipOf(range[0] ?? ''), last: ipOf(range[1] ?? '') })
    else nets.push(String(value))
  }
  const set = addressSet(nets.map(netOf), ranges)
  const side = field(only(left)[1], 'field') === 'saddr' ? 'source' : 'destination'
  return ({ header }) => set.has(header[side])
}
