import { defaultFailsafes } from '../../calico/failsafes.ts'
import { isOurs } from '../../calico/names.ts'
import { byPolicyOrder, governsDirection, isUnconditional, selects } from '../../calico/policies.ts'
import type { GlobalNetworkPolicy, HostEndpoint } from '../../calico/shapes.ts'
import { mergeCidrs } from '../../net/cidr.ts'
import { byText } from '../by-text.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import { selectorOf } from '../facts/interface-groups.ts'
import { type AllowEntry, type ExtraFailsafe, firewallApiVersion, type HostFirewall, type InterfaceSelection } from '../file/host-firewall.ts'
import { entryNameLimit } from '../file/parse-allow.ts'
import { nodeAddresses } from '../objects/network-sets.ts'
import { opens } from '../plan/failsafe-change.ts'
import { type RuleContext, type RuleMeaning, ruleMeaning } from './adopted-rule.ts'

/** Somebody else's host firewall as a file of ours. */
export interface AdoptedFirewall {
  readonly firewall: HostFirewall
  /** What of it the file cannot say, a sentence each. */
  readonly leftOut: readonly string[]
}

/**
 * Reads the HostEndpoints of others, and the policies that govern them, into a file. It may say less than they do, and then tells what; what differs in
 * packets is the plan's to show. Undefined where nobody else has a HostEndpoint.
 */
export const adoptedFirewall = (facts: Facts, name: string): AdoptedFirewall | undefined => {
  const theirs = facts.hostEndpoints.filter((one) => !isOurs(one))
  if (theirs.length === 0) return undefined
  const policies = facts.policies
    .filter((policy) => !isOurs(policy) && theirs.some(({ metadata }) => selects(policy, metadata.labels ?? {}) !== false))
    .sort(byPolicyOrder)
  const context: RuleContext = { hostEndpoints: theirs, networkSets: facts.networkSets, nodeAddresses: nodeAddresses(facts) }
  const read = readRules(policies, context)
  return {
    firewall: {
      apiVersion: firewallApiVersion,
      kind: 'HostFirewall',
      metadata: { name },
      spec: {
        interfaces: interfacesOf(theirs, facts.nodes),
        trustedNets: mergeCidrs(read.flatMap(({ meaning }) => (meaning.kind === 'trust' ? meaning.nets : []))),
        allow: named(read.flatMap(({ policy, meaning }) => (meaning.kind === 'entry' ? [{ policy, entry: meaning.entry }] : []))),
        extraFailsafePorts: { inbound: addedFailsafes(facts, 'inbound'), outbound: addedFailsafes(facts, 'outbound') },
      },
    },
    leftOut: [
      ...read.flatMap(({ policy, at, meaning }) =>
        meaning.kind === 'left-out' ? [`GlobalNetworkPolicy ${policy.metadata.name}, ingress[${at}]: ${meaning.why}`] : [],
      ),
      ...policies.flatMap(egressLeftOut),
    ],
  }
}

interface ReadRule {
  readonly policy: GlobalNetworkPolicy
  readonly at: number
  readonly meaning: RuleMeaning
}

/** Policies before DNAT decide first; a Deny of everything ends the chain it stands in. */
const readRules = (policies: readonly GlobalNetworkPolicy[], context: RuleContext): ReadRule[] =>
  [policies.filter(({ spec }) => spec.preDNAT === true), policies.filter(({ spec }) => spec.preDNAT !== true)].flatMap((chain) => {
    const all = chain.flatMap((policy) => (policy.spec.ingress ?? []).map((rule, at) => ({ policy, at, rule })))
    const end = all.findIndex(({ rule }) => rule.action === 'Deny' && isUnconditional(rule))
    return (end < 0 ? all : all.slice(0, end)).map(({ policy, at, rule }) => ({ policy, at, meaning: ruleMeaning(rule, context) }))
  })

const egressLeftOut = (policy: GlobalNetworkPolicy): string[] => {
  const letsAllOut = (policy.spec.egress ?? []).some((rule) => rule.action === 'Allow' && isUnconditional(rule))
  return governsDirection(policy, 'egress') && !letsAllOut
    ? [`GlobalNetworkPolicy ${policy.metadata.name}, egress: only incoming packets are judged here; what it closes on the way out opens`]
    : []
}

/** Each node by the interfaces its HostEndpoints are of: the one they name, or the one that carries an address they expect; `*` stands for the node's own. */
const interfacesOf = (hostEndpoints: readonly HostEndpoint[], nodes: readonly NodeFacts[]): InterfaceSelection[] => {
  const groups = new Map<string, NodeFacts[]>()
  for (const node of nodes) {
    const own = hostEndpoints.filter(({ spec }) => spec.node === node.name)
    const names = [...new Set(own.flatMap((one) => interfaceOf(one, node)))].sort(byText)
    if (names.length > 0) groups.set(names.join(' '), [...(groups.get(names.join(' ')) ?? []), node])
  }
  return [...groups].map(([names, group]) => ({ nodeSelector: selectorOf(group, nodes), names: names.split(' '), labels: {} }))
}

const interfaceOf = ({ spec }: HostEndpoint, node: NodeFacts): string[] => {
  if (spec.interfaceName && spec.interfaceName !== '*') return [spec.interfaceName]
  const addresses: readonly string[] = spec.interfaceName === '*' ? node.addresses.map(({ address }) => address) : (spec.expectedIPs ?? [])
  return node.interfaces.filter((one) => one.addresses.some((address) => addresses.includes(address))).map((one) => one.name)
}

/** Each entry by its policy's name, numbered where the policy makes several. */
const named = (entries: readonly { readonly policy: GlobalNetworkPolicy; readonly entry: Omit<AllowEntry, 'name'> }[]): AllowEntry[] => {
  const taken = new Set<string>()
  return entries.map(({ policy, entry }) => {
    const stem = policy.metadata.name
      .replace(/^default\./, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, entryNameLimit - 6)
      .replace(/^-+|-+$/g, '')
    let name = stem === '' ? 'allow' : stem
    for (let number = 2; taken.has(name); number++) name = `${stem === '' ? 'allow' : stem}-${number}`
    taken.add(name)
    return { name, ...entry }
  })
}

/** What stands on every node's list for everyone beside Felix's defaults. */
const addedFailsafes = ({ failsafes }: Facts, direction: 'inbound' | 'outbound'): ExtraFailsafe[] => {
  const [first, ...others] = Object.values(failsafes).map((list) => list[direction].ports.filter(({ net }) => !net))
  return (first ?? [])
    .filter((one) => !opens(defaultFailsafes[direction], one) && others.every((list) => opens(list, one)))
    .flatMap(({ protocol, port }) => {
      const upper = protocol.toUpperCase()
      return upper === 'TCP' || upper === 'UDP' ? [{ protocol: upper, port }] : []
    })
}
