import * as v from 'valibot'
import type { HostInputRule } from '../firewall/facts/inspection.ts'

const named = { family: v.string(), table: v.string(), name: v.string() }
const chain = v.object({ ...named, hook: v.exactOptional(v.string()), type: v.exactOptional(v.string()), policy: v.exactOptional(v.string()) })
const rule = v.object({ family: v.string(), table: v.string(), chain: v.string(), expr: v.exactOptional(v.array(v.looseObject({})), []) })
const ruleset = v.object({ nftables: v.array(v.looseObject({ chain: v.exactOptional(chain), rule: v.exactOptional(rule) })) })

type Chain = v.InferOutput<typeof chain>
type Rule = v.InferOutput<typeof rule>

/** A table of nftables. */
interface NftTable {
  readonly family: string
  readonly table: string
}

/** What `nft -j list chains` shows. */
export interface NftChains {
  readonly hasCalico: boolean
  readonly hasKubeProxy: boolean
  /** Tables with an input hook that are neither Calico's nor Kubernetes' nor seen through iptables-nft: to be listed whole. */
  readonly foreignInput: readonly NftTable[]
}

/** iptables-nft keeps its rules in these tables, and iptables-nft-save prints them. */
const ofIptables = new Set(['filter', 'nat', 'mangle', 'raw', 'security'].flatMap((table) => [`ip ${table}`, `ip6 ${table}`]))

/** Reads `nft -j list chains`; undefined where it is none. */
export const chainsIn = (json: string): NftChains | undefined => {
  const parsed = parsedRuleset(json)
  if (parsed === undefined) return undefined
  const { chains } = parsed
  const has = (table: string) => chains.some((one) => (one.family === 'ip' || one.family === 'ip6') && one.table === table)
  const foreign = chains.filter(
    ({ family, table, hook, type }) =>
      hook === 'input' &&
      type === 'filter' &&
      ['ip', 'ip6', 'inet'].includes(family) &&
      !ofIptables.has(`${family} ${table}`) &&
      table !== 'calico' &&
      table !== 'kube-proxy',
  )
  const tables = new Map(foreign.map(({ family, table }) => [`${family} ${table}`, { family, table }]))
  return { hasCalico: has('calico'), hasKubeProxy: has('kube-proxy'), foreignInput: [...tables.values()] }
}

/**
 * Rules of one listed table (`nft -j list table FAMILY NAME`) that drop or reject what comes in for the node itself. An accept of Calico's ends its
 * own chain alone, so none of them is bypassed: what they drop stays dropped, also where the firewall allows it.
 */
export const nftInputRules = (json: string): HostInputRule[] | undefined => {
  const parsed = parsedRuleset(json)
  if (parsed === undefined) return undefined
  const { chains, rules } = parsed
  const found: HostInputRule[] = []
  const walk = (path: readonly string[], within: Chain): void => {
    const family = within.family === 'ip' ? 4 : within.family === 'ip6' ? 6 : 'inet'
    const add = (text: string): void => {
      found.push({ backend: 'nftables', family, chain: path.join(' -> '), text, bypassed: false })
    }
    for (const { expr } of rules.filter((one) => one.chain === within.name && sameTable(one, within))) {
      if (expr.some((part) => 'drop' in part || 'reject' in part) && !isInvalidOnly(expr)) add(expr.map(wordsOf).join(' '))
      for (const target of expr.flatMap(targetsOf)) {
        const next = chains.find((one) => one.name === target && sameTable(one, within))
        if (next !== undefined && !path.includes(target)) walk([...path, target], next)
      }
    }
    if (within.policy === 'drop') add('policy drop')
  }
  for (const base of chains.filter(({ hook, type }) => hook === 'input' && type === 'filter')) walk([`${base.family} ${base.table}`, base.name], base)
  return found
}

const parsedRuleset = (json: string): { chains: Chain[]; rules: Rule[] } | undefined => {
  const parsed = v.safeParse(ruleset, jsonOf(json))
  if (!parsed.success) return undefined
  const { nftables } = parsed.output
  return { chains: nftables.flatMap(({ chain: one }) => one ?? []), rules: nftables.flatMap(({ rule: one }) => one ?? []) }
}

const sameTable = (one: NftTable, other: NftTable): boolean => one.family === other.family && one.table === other.table

/** A jump or goto names its target, and so does every verdict of a map. */
const targetsOf = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]): string[] => {
    const target = (inner as { target?: unknown } | null)?.target
    return (key === 'jump' || key === 'goto') && typeof target === 'string' ? [target] : targetsOf(inner)
  })
}

const isInvalidOnly = (expr: Rule['expr']): boolean => /"key":"state"\}\},"right":"invalid"/.test(JSON.stringify(expr))

/** nft's JSON as the words a person knows: `ip saddr 203.0.113.0/24`, `tcp dport 8080`, `drop`. */
const wordsOf = (part: unknown): string => {
  if (typeof part !== 'object' || part === null) return String(part)
  if (Array.isArray(part)) return part.map(wordsOf).join(', ')
  const [[key, value] = ['', null]] = Object.entries(part as Record<string, unknown>)
  const fields = (value ?? {}) as Record<string, unknown>
  switch (key) {
    case 'match':
      return `${wordsOf(fields['left'])} ${fields['op'] === '!=' ? '!= ' : ''}${wordsOf(fields['right'])}`
    case 'payload':
      return `${fields['protocol'] ?? '@'} ${fields['field'] ?? ''}`.trim()
    case 'meta':
    case 'ct':
      return key === 'ct' ? `ct ${fields['key']}` : String(fields['key'])
    case 'prefix':
      return `${wordsOf(fields['addr'])}/${fields['len']}`
    case 'range':
      return Array.isArray(value) ? value.map(wordsOf).join('-') : key
    case 'set':
      return `{ ${wordsOf(value)} }`
    case 'jump':
    case 'goto':
      return `${key} ${fields['target']}`
    case 'reject':
      return value === null ? 'reject' : `reject with ${fields['type'] ?? ''} ${fields['expr'] ?? ''}`.trim()
    default:
      return key
  }
}

const jsonOf = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
