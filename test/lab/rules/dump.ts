import type { Lab } from '../lab.ts'
import { parseIptablesSave } from './iptables-save.ts'
import { type Kernel, kernelOf } from './kernel.ts'
import { parseNftRuleset } from './nft-ruleset.ts'
import { parseIpSets } from './sets.ts'

/** What a node's own programs print of its rules. */
export interface RulesText {
  readonly iptables: string
  readonly ipsets: string
  /** `nft -j list ruleset`; empty where nothing here runs on nftables itself. */
  readonly nft: string
}

/** What they print of its addresses and routes; those stay while rules come and go. */
export interface RoutesText {
  readonly links: string
  readonly routes: string
}

const mark = '=====between dumps====='
/** The tables of programs that speak to nftables themselves; those of iptables over nftables come by iptables-save. */
const nftTables = ['calico', 'kube-proxy'] as const

const printed = async (lab: Lab, node: string, commands: readonly string[]): Promise<string[]> => {
  const script = commands.join(`; echo '${mark}'; `)
  const ran = await lab.exec(node, ['bash', '-c', script], { timeoutMs: 30_000 })
  if (ran.code !== 0) throw new Error(`${node}: ${script}: exit ${ran.code}\n${ran.stderr}`)
  return ran.stdout.split(`${mark}\n`)
}

/** Dumps a node's rules. */
export const dumpRules = async (lab: Lab, node: string): Promise<RulesText> => {
  const usesNft = lab.variant.felix === 'native' || lab.variant.proxy === 'nftables'
  const [iptables = '', ipsets = '', nft = ''] = await printed(lab, node, [
    'iptables-save',
    'ipset save',
    usesNft ? 'nft -j list ruleset 2>/dev/null' : 'true',
  ])
  return { iptables, ipsets, nft: nft.trim() }
}

/** Dumps a node's addresses and routes. */
export const dumpRoutes = async (lab: Lab, node: string): Promise<RoutesText> => {
  const [links = '', routes = ''] = await printed(lab, node, ['ip -j addr', 'ip -j route show table all'])
  return { links, routes }
}

/** A node ready to be walked, known by its Node object's name. */
export const kernelFrom = (name: string, { iptables, ipsets, nft }: RulesText, { links, routes }: RoutesText): Kernel => {
  const tables = [...parseIptablesSave(iptables, 4, parseIpSets(ipsets)), ...(nft === '' ? [] : parseNftRuleset(nft, nftTables))]
  return kernelOf(name, tables, links, routes)
}
