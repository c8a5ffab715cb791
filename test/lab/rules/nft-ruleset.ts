import { ipOf } from './header.ts'
import { masquerade, translated } from './nat.ts'
import { concatKey, field, type Json, memberOf, namesFor, numberOf, only, readingOf } from './nft-values.ts'
import type { BaseChain, Hook, Statement, Table, Verdict } from './ruleset.ts'

interface Named {
  readonly family: string
  readonly table: string
  readonly name: string
}

/**
 * Reads the tables of these names out of what `nft -j list ruleset` prints. A statement it does not know is an error: a rule that is read
 * halfway lies.
 * @throws Error naming the rule
 */
export const parseNftRuleset = (text: string, names: readonly string[]): Table[] => {
  const { nftables } = JSON.parse(text) as { nftables: Json[] }
  const all = <Kind>(kind: string): Kind[] => nftables.flatMap((object) => (field(object, kind) as Kind | undefined) ?? [])
  const tables = all<{ family: string; name: string }>('table').filter(({ family, name }) => names.includes(name) && /^ip6?$/.test(family))
  const chains = all<Named & { hook?: string; prio?: number; policy?: string; type?: string }>('chain')
  const rules = all<Named & { chain: string; expr: readonly Json[] }>('rule')
  const sets = [...all<Named & { elem?: readonly Json[] }>('set'), ...all<Named & { elem?: readonly Json[] }>('map')]
  return tables.map(({ family, name }): Table => {
    const isOwn = (object: { family: string; table: string }) => object.family === family && object.table === name
    const elements = new Map(sets.filter(isOwn).map((set) => [set.name, (set.elem ?? []).map(bare)]))
    const made = new Map<string, Statement[][]>(chains.filter(isOwn).map((chain) => [chain.name, []]))
    for (const rule of rules.filter(isOwn)) {
      try {
        made.get(rule.chain)?.push(rule.expr.map((expression) => statementOf(expression, elements)))
      } catch (error) {
        throw new Error(
          `table ${family} ${name}, chain ${rule.chain}: ${JSON.stringify(rule.expr)}\n${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
    const untracks = rules.filter(isOwn).some(({ expr }) => expr.some((expression) => only(expression)[0] === 'notrack'))
    const bases = chains.filter(isOwn).flatMap(({ name: chain, hook, prio = 0, policy, type }): BaseChain[] => {
      return hook === undefined
        ? []
        : [{ hook: hook as Hook, priority: prio, isNat: type === 'nat', policy: policy === 'drop' ? 'drop' : 'accept', chain }]
    })
    return { name, family: family === 'ip' ? 4 : 6, chains: made, bases, untracks }
  })
}

type Elements = ReadonlyMap<string, readonly Json[]>

const statementOf = (expression: Json, elements: Elements): Statement => {
  const [kind, value] = only(expression)
  switch (kind) {
    case 'match':
      return matchOf(value, elements)
    case 'counter':
    case 'log':
    case 'limit':
    case 'continue':
      return () => true
    case 'accept':
    case 'drop':
    case 'return':
      return () => kind
    case 'reject':
      return () => 'reject'
    case 'jump':
      return () => ({ jump: String(field(value, 'target')) })
    case 'goto':
      return () => ({ goto: String(field(value, 'target')) })
    case 'mangle': {
      const target = field(value, 'key')
      // The mark decides; what else is written (a DSCP) rules here never read.
      if (target === undefined || field(field(target, 'meta') ?? null, 'key') !== 'mark') return () => true
      const mark = numberOf(field(value, 'value') ?? null)
      return (flight) => {
        flight.mark = mark(flight)
        return true
      }
    }
    case 'notrack':
      return (flight) => {
        flight.notrack = true
        return true
      }
    case 'vmap':
      return verdictMap(value, elements)
    case 'dnat':
      return dnatOf(value)
    case 'masquerade':
      return masquerade
    default:
      throw new Error(`"${kind}" is not read here`)
  }
}

/** An element with a comment or a counter stands in a wrapper. */
const bare = (json: Json): Json => {
  if (Array.isArray(json)) return json.map(bare)
  const wrapped = field(json, 'elem')
  return wrapped === undefined ? json : (field(wrapped, 'val') ?? null)
}

const listed = (json: Json | undefined, elements: Elements): readonly Json[] => {
  if (typeof json === 'string' && json.startsWith('@')) {
    const found = elements.get(json.slice(1))
    if (found === undefined) throw new Error(`no set ${json}`)
    return found
  }
  const set = json === undefined ? undefined : field(json, 'set')
  if (set !== undefined) return set as readonly Json[]
  return Array.isArray(json) ? json : [json ?? null]
}

const matchOf = (value: Json, elements: Elements): Statement => {
  const [left, right, operator] = [field(value, 'left') ?? null, field(value, 'right'), field(value, 'op')]
  const [kind, inner] = only(left)
  if (kind === 'ct') return trackingMatch(String(field(inner, 'key')), listed(right, elements).map(String), operator === '!=')
  const isMember = memberOf(left, listed(right, elements))
  if (operator !== '!=') return isMember
  // "Not among" still asks for the field: a udp port that differs is a udp packet's.
  const reading = readingOf(left)
  return (flight) => reading.of(flight) !== undefined && !isMember(flight)
}

/**
 * `ct state` knows every packet. `ct status` ends the rule for one that connection tracking does not know, and with `!=` it compares the whole word and not a
 * bit: a translated packet carries "translation done" beside "dnat", so that `ct status != dnat` holds for it too.
 */
const trackingMatch = (key: string, values: readonly string[], isNegated: boolean): Statement => {
  if (key === 'state') return ({ ct }) => values.includes(ct.toLowerCase()) !== isNegated
  if (key !== 'status') throw new Error(`ct ${key} is not read here`)
  return ({ ct, dnat, snat }) => {
    if (ct === 'INVALID' || ct === 'UNTRACKED') return false
    return isNegated || (values.includes('dnat') && dnat) || (values.includes('snat') && snat)
  }
}

const verdictMap = (value: Json, elements: Elements): Statement => {
  const left = field(value, 'key') ?? null
  const reading = readingOf(left)
  const parts =
    reading.kind === 'concat' ? (only(left)[1] as readonly Json[]).map((part) => ({ kind: readingOf(part).kind, names: namesFor(part) })) : []
  const names = reading.kind === 'concat' ? undefined : namesFor(left)
  const byKey = new Map(
    (listed(field(value, 'data'), elements) as readonly (readonly [Json, Json])[]).map(([key, verdict]) => [
      names === undefined ? concatKey(key, parts) : names(String(key)),
      verdictOf(verdict),
    ]),
  )
  return (flight) => {
    const key = reading.of(flight)
    const found = key === undefined ? undefined : byKey.get(key)
    // A look-up that finds nothing ends the rule.
    return found ?? false
  }
}

const verdictOf = (json: Json): Verdict => {
  const [kind, value] = only(json)
  if (kind === 'goto') return { goto: String(field(value, 'target')) }
  if (kind === 'jump') return { jump: String(field(value, 'target')) }
  if (kind === 'accept' || kind === 'drop' || kind === 'return') return kind
  throw new Error(`verdict "${kind}" is not read here`)
}

/** `dnat ip to numgen random mod N map {...}`: one of the targets, as the dice fall. */
const dnatOf = (value: Json): Statement => {
  const map = field(field(value, 'addr') ?? null, 'map')
  if (map === undefined) {
    const [address, port] = [ipOf(String(field(value, 'addr'))), field(value, 'port')]
    return (flight) => translated(flight, { destination: address, ...(typeof port === 'number' ? { destinationPort: port } : {}) })
  }
  if (field(field(map, 'key') ?? null, 'numgen') === undefined) throw new Error('dnat by anything but numgen is not read here')
  const targets = (field(field(map, 'data') ?? null, 'set') as readonly (readonly [Json, Json])[]).map(([, target]) => {
    const [address, port] = (field(target, 'concat') ?? [target]) as readonly Json[]
    return { destination: ipOf(String(address)), ...(port === undefined ? {} : { destinationPort: Number(port) }) }
  })
  return (flight) => {
    const target = targets[flight.choose(targets.length)]
    return target === undefined ? 'drop' : translated(flight, target)
  }
}
