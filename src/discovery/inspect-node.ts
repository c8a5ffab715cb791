import { type Section, sectionsOf } from '../cluster/kubeconfig/sections.ts'
import type { RunInPod } from '../cluster/pods/exec.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { FilterBackend, HostInputRule, Inspection } from '../firewall/facts/inspection.ts'
import type { Family } from '../net/address.ts'
import { defaultRoutesIn, holderOf, interfacesIn } from './inspect-interfaces.ts'
import { filterTable } from './inspect-iptables.ts'
import { chainsIn, type NftChains, nftInputRules } from './inspect-nft.ts'
import { inspectScript } from './inspect-script.ts'
import { endsIn, type SocketQuestions } from './inspect-sockets.ts'
import { isDistinct } from './loose-text.ts'

/** How one node is looked into. */
export interface LookOptions {
  /** Milliseconds for each command, connecting included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly now: () => Date
  readonly questions: SocketQuestions
  /** By exec in the calico-node pod, or by a short pod beside it. */
  readonly way: 'exec' | 'short pod'
}

/** More than these are counted and not kept: an intrusion ban list may hold thousands. */
const mostRules = 50

/**
 * Looks into a node from its calico-node pod. One command, and a second one only where nftables holds tables of somebody else's.
 * @throws FwError what the exec throws
 */
export const inspectNode = async (
  node: NodeFacts & { readonly calicoNode: NonNullable<NodeFacts['calicoNode']> },
  run: RunInPod,
  { timeoutMs, signal, now, way, questions }: LookOptions,
): Promise<Inspection> => {
  const { namespace, pod } = node.calicoNode
  const ask = async (script: string): Promise<ReadonlyMap<string, Section>> => {
    const where = { namespace, pod, container: 'calico-node', command: ['bash', '-c', script], timeoutMs }
    return sectionsOf((await run({ ...where, ...(signal === undefined ? {} : { signal }) })).stdout)
  }
  const sections = await ask(inspectScript(questions))
  const chains = chainsIn(sections.get('chains')?.text ?? '')
  const tables = (chains?.foreignInput ?? []).filter(({ family, table }) => /^[\w.-]+$/.test(family + table))
  const foreign = tables.length === 0 ? undefined : await ask(tables.map(listing).join('\n'))
  return inspectionOf(node, {
    sections,
    chains,
    tables: foreign,
    at: now(),
    source: way === 'exec' ? `exec in Pod ${namespace}/${pod}` : `a short pod beside ${namespace}/${pod}`,
  })
}

const listing = ({ family, table }: { family: string; table: string }): string =>
  `echo "@@ ${family}.${table}"; timeout 5 nft -j list table ${family} '${table}'; c=$?; echo; echo "@@ end $c"`

interface Look {
  readonly sections: ReadonlyMap<string, Section>
  readonly chains: NftChains | undefined
  readonly tables: ReadonlyMap<string, Section> | undefined
  readonly at: Date
  readonly source: string
}

const inspectionOf = (node: NodeFacts, { sections, chains, tables, at, source }: Look): Inspection => {
  const unseen: string[] = []
  const good = (name: string, what: string): string | undefined => {
    const section = sections.get(name)
    if (section?.code === 0) return section.text
    unseen.push(`${what}: ${whyOf(section)}`)
    return undefined
  }
  const interfaces = interfacesIn(good('addr', 'ip -j -d addr') ?? '')
  if (interfaces === undefined && unseen.length === 0) unseen.push('ip -j -d addr: its output is no list of interfaces')
  const routes = ([4, 6] as const).flatMap((family) => defaultRoutesIn(good(`route${family}`, `ip -${family} route`) ?? '', family) ?? [])
  const saved = [
    ...(['iptables-legacy', 'iptables-nft'] as const).flatMap((backend) => ([4, 6] as const).map((family) => ({ backend, family }))),
  ].flatMap(({ backend, family }) => {
    const name = `${backend === 'iptables-nft' ? 'nft' : 'legacy'}${family}`
    // The legacy filter table is asked for only where it exists.
    if (!sections.has(name) && backend === 'iptables-legacy') return []
    const text = good(name, saveName(backend, family))
    return text === undefined ? [] : [{ backend, family, table: filterTable({ backend, family, text }) }]
  })
  if (chains === undefined) unseen.push(`nft -j list chains: ${whyOf(sections.get('chains'))}`)
  const fromNft = [...(tables ?? [])].flatMap(([name, section]): readonly HostInputRule[] => {
    const rules = section.code === 0 ? nftInputRules(section.text) : undefined
    if (rules === undefined) unseen.push(`nft table ${name.replace('.', ' ')}: ${whyOf(section)}`)
    return rules ?? []
  })
  // Those Calico would open come first: they must not be among the ones that are only counted.
  const hostInput = [...saved.flatMap(({ table }) => table.hostInput), ...fromNft].sort((one, other) => Number(other.bypassed) - Number(one.bypassed))
  const backendsWith = (of: 'hasCalico' | 'hasKubeProxy'): FilterBackend[] => [
    ...new Set<FilterBackend>([
      ...saved.filter(({ table }) => table[of]).map(({ backend }) => backend),
      ...(chains?.[of] ? ['nftables' as const] : []),
    ]),
  ]
  const nodeInterface = holderOf(interfaces ?? [], internalOf(node))
  const sysctls = [...sections].flatMap(([name, { text, code }]) =>
    name.startsWith('sysctl.') && code === 0 ? [[name.slice('sysctl.'.length).replaceAll('/', '.'), text] as const] : [],
  )
  return {
    at: at.toISOString(),
    source,
    interfaces: interfaces ?? [],
    defaultRoutes: routes,
    ...(nodeInterface === undefined ? {} : { nodeInterface }),
    // Rules of one backend alone are no answer: the other may hold the firewall.
    ...(saved.length === 0 ? {} : { hostInput: hostInput.slice(0, mostRules) }),
    ...(hostInput.length > mostRules ? { hostInputTotal: hostInput.length } : {}),
    backends: { calico: backendsWith('hasCalico'), kubeProxy: backendsWith('hasKubeProxy') },
    sysctls: Object.fromEntries(sysctls),
    ...timeServersIn(sections),
    ...operatorIn(sections),
    unseen,
  }
}

const timeServersIn = (sections: Look['sections']): Pick<Inspection, 'timeServers'> => {
  const found = endsIn(sections.get('ntp')?.text ?? '').filter(isDistinct)
  return found.length === 0 ? {} : { timeServers: found }
}

/** Asked only where a node may run an API server; absent where it was not. */
const operatorIn = (sections: Look['sections']): Pick<Inspection, 'operatorSeen'> => {
  const section = sections.get('operator')
  return section === undefined ? {} : { operatorSeen: endsIn(section.text) }
}

const internalOf = ({ addresses }: NodeFacts) => [
  ...addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
  ...addresses.map(({ address }) => address),
]

const saveName = (backend: 'iptables-legacy' | 'iptables-nft', family: Family): string =>
  `${family === 6 ? 'ip6tables' : 'iptables'}${backend === 'iptables-nft' ? '-nft' : '-legacy'}-save`

const whyOf = (section: Section | undefined): string => {
  if (section === undefined) return 'the node gave no answer to it'
  if (section.code === 127) return 'the image does not have it'
  return section.code === 124 ? 'it took longer than 5 s' : section.code < 0 ? 'its output was cut off' : `it ended with ${section.code}`
}
