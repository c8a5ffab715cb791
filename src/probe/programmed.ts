import type { Section } from '../cluster/kubeconfig/sections.ts'
import type { Family } from '../net/address.ts'

/** One chain of Calico's as a node has it. */
interface Chain {
  readonly family: Family
  /** `mangle`, `filter`, `raw`, `nat`. */
  readonly table: string
  /** `cali-fh-ens160`; native nftables puts the table before it, which is taken off. */
  readonly name: string
  readonly lines: string[]
}

/** What Felix has programmed for host endpoints on a node. */
export interface Programmed {
  readonly chains: readonly Chain[]
  /** Addresses and networks in Calico's selector IP sets, as printed. */
  readonly members: readonly string[]
}

/** What stands of one policy. */
export interface PolicyRules {
  /** Networks named in its rules, with their prefix lengths. */
  readonly nets: ReadonlySet<string>
  /** Ports named in its rules, `80` or `30000-30010`. */
  readonly ports: ReadonlySet<string>
}

/** Reads the sections of a look. */
export const programmedIn = (sections: ReadonlyMap<string, Section>): Programmed => {
  const chains: Chain[] = []
  for (const family of [4, 6] as const) {
    for (const backend of ['legacy', 'nft']) chains.push(...savedChains(sections.get(`${backend}${family}`)?.text ?? '', family))
    chains.push(...nftChains(sections.get(`native${family}`)?.text ?? '', family))
  }
  const fromIpset = [...(sections.get('ipset')?.text ?? '').matchAll(/^add \S+ (\S+)/gm)].map(([, member = '']) => member)
  const fromNft = ['native4', 'native6'].flatMap((name) => setMembers(sections.get(name)?.text ?? ''))
  return { chains, members: [...fromIpset, ...fromNft] }
}

/** `iptables-save`: `*mangle`, then `-A CHAIN RULE`. */
const savedChains = (text: string, family: Family): Chain[] => {
  const chains = new Map<string, Chain>()
  let table = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const name = /^-A (\S+) /.exec(line)?.[1]
    if (name === undefined) continue
    const chain = chains.get(`${table} ${name}`) ?? { family, table, name, lines: [] }
    chain.lines.push(line)
    chains.set(`${table} ${name}`, chain)
  }
  return [...chains.values()]
}

/** `nft list table`: `chain TABLE-CHAIN {`, a rule a line, `}`. */
const nftChains = (text: string, family: Family): Chain[] =>
  [...text.matchAll(/^\tchain (\w+)-(cali-\S+) \{\n([\s\S]*?)^\t\}/gm)].map(([, table = '', name = '', body = '']) => ({
    ...{ family, table, name },
    lines: body.split('\n').filter((line) => line.trim() !== ''),
  }))

const setMembers = (text: string): string[] =>
  [...text.matchAll(/^\tset cali[46]0s\S* \{\n[\s\S]*?^\t\}/gm)].flatMap(([body]) =>
    (/elements = \{([^}]*)\}/.exec(body)?.[1] ?? '')
      .split(',')
      .map((member) => member.trim())
      .filter((member) => member !== ''),
  )

/** Whether a host endpoint on the interface is programmed: its own chain for what comes in exists in any table. */
export const hasInterface = ({ chains }: Programmed, name: string): boolean => chains.some((chain) => chain.name === `cali-fh-${name}`)

/**
 * The policies whose rules a packet on the interface meets: followed from its chains through policy groups (Calico 3.27), found by Felix's comment on a
 * policy's first rule, for long chain names are hashed.
 */
export const policiesOn = ({ chains }: Programmed, name: string): ReadonlySet<string> => {
  const met = new Set<string>()
  const seen = new Set<Chain>()
  const walk = (chain: Chain): void => {
    if (seen.has(chain)) return
    seen.add(chain)
    for (const line of chain.lines) {
      const policy = policyOf(line)
      if (policy !== undefined) met.add(policy)
      const target = targetOf(line)
      const next = chains.find((one) => one.name === target && one.table === chain.table && one.family === chain.family)
      if (next !== undefined) walk(next)
    }
  }
  for (const chain of chains) if (['fh', 'th', 'fhfw', 'thfw'].some((way) => chain.name === `cali-${way}-${name}`)) walk(chain)
  return met
}

/** What stands of a policy in any table and family; undefined where nothing does. */
export const rulesOf = ({ chains }: Programmed, policy: string): PolicyRules | undefined => {
  const lines = chains.filter((chain) => chain.lines.some((line) => policyOf(line) === policy)).flatMap((chain) => chain.lines)
  return lines.length === 0 ? undefined : { nets: new Set(lines.flatMap(netsIn)), ports: new Set(lines.flatMap(portsIn)) }
}

/** Ports of the chain every host endpoint's packets meet first, as `tcp/22`. */
export const failsafesIn = ({ chains }: Programmed, direction: 'inbound' | 'outbound'): ReadonlySet<string> => {
  const name = direction === 'inbound' ? 'cali-failsafe-in' : 'cali-failsafe-out'
  const lines = chains.filter((chain) => chain.name === name).flatMap((chain) => chain.lines)
  return new Set(
    lines.flatMap((line) => portsIn(line).map((port) => `${/-p (tcp|udp)|(tcp|udp) dport/.exec(line)?.slice(1).find(Boolean) ?? '?'}/${port}`)),
  )
}

/** Felix 3.32 writes `GlobalNetworkPolicy NAME ingress`, older ones `Policy default.NAME ingress`. */
const policyOf = (line: string): string | undefined => /(?:"|; )\w*Policy (?:default\.)?(\S+) (?:ingress|egress)"/.exec(line)?.[1]

const targetOf = (line: string): string | undefined => {
  const [, saved, native] = / -[jg] (\S+)|(?:jump|goto) (?:\w+-)?(cali-\S+)/.exec(line) ?? []
  return saved ?? native
}

/** A dot puts address and port together into one match, against a set: native nftables has a Service as destination like that. */
const netsIn = (line: string): string[] =>
  [...line.matchAll(/ -[sd] (\S+)|ip6? [sd]addr (?:!= )?(\{[^}]*\}|[^@.\s]\S*)/g)].flatMap(([, saved, native]) =>
    listOf(saved ?? native).map(withLength),
  )

const portsIn = (line: string): string[] =>
  [...line.matchAll(/--[sd]ports? (\S+)|(?:tcp|udp|sctp) [sd]port (?:!= )?(\{[^}]*\}|\S+)/g)].flatMap(([, saved, native]) =>
    listOf(saved ?? native).map((port) => port.replace(':', '-')),
  )

const listOf = (text = ''): string[] =>
  text
    .replace(/[{}]/g, '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

const withLength = (net: string): string => (net.includes('/') ? net : `${net}/${net.includes(':') ? 128 : 32}`)
