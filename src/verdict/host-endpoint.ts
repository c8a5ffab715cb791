import { subjectSelector } from '../calico/endpoint-selectors.ts'
import { names } from '../calico/names.ts'
import { byPolicyOrder, governsDirection, tierOf } from '../calico/policies.ts'
import { matchesPartly, type Selector, unlessBadSelector } from '../calico/selector.ts'
import type { GlobalNetworkPolicy, HostEndpoint, Tier } from '../calico/shapes.ts'
import { byText } from '../firewall/by-text.ts'
import { type Chain, type CompiledPolicy, type CompiledTier, chainOf } from './chain.ts'
import { hostEndpointKnowledge } from './endpoint-knowledge.ts'
import type { Decision } from './model.ts'
import { type CompiledRule, compileRule, type RuleContext } from './rule.ts'

/** What a HostEndpoint does to packets at each stage. One value serves all HostEndpoints with the same labels and profiles. */
export interface CompiledEndpoint {
  /** Before connection tracking; absent where no doNotTrack policy governs that direction. */
  readonly untrackedIngress: Chain | undefined
  readonly untrackedEgress: Chain | undefined
  /** Before DNAT; absent where no preDNAT policy governs it: then Felix renders no chain and no failsafes there. */
  readonly preDnat: Chain | undefined
  readonly ingress: Chain
  readonly egress: Chain
  readonly forwardIngress: Chain
  readonly forwardEgress: Chain
  /** No apply-on-forward policy of either direction governs it. */
  readonly forwardsByDefault: boolean
  /** What becomes of local traffic no policy decides: some profile lets it pass, none does, or nobody told us. */
  readonly profiles: 'allow' | 'deny' | 'unknown'
  readonly profileNames: readonly string[]
  /** Set where a policy that governs it, or may, is beyond the model. */
  readonly beyond: string | undefined
}

interface Subject {
  readonly policy: GlobalNetworkPolicy
  readonly selector: Selector | undefined
}

/** Prepares the policies of a world; what is asked for twice is compiled once. */
export const createEndpointCompiler = (
  policies: readonly GlobalNetworkPolicy[],
  tiers: readonly Tier[],
  context: RuleContext,
): ((endpoint: HostEndpoint) => CompiledEndpoint) => {
  const tierOrder = tierRanks(tiers, policies)
  const subjects: Subject[] = [...policies]
    .sort(byPolicyOrder)
    .map((policy) => ({ policy, selector: unlessBadSelector(() => subjectSelector(policy.spec)) }))
  const compiled = new Map<string, CompiledEndpoint>()
  return (endpoint) => {
    const key = JSON.stringify([Object.entries(endpoint.metadata.labels ?? {}).sort(), endpoint.spec.profiles ?? []])
    const known = compiled.get(key)
    if (known !== undefined) return known
    const made = compileEndpoint(endpoint, subjects, tierOrder, context)
    compiled.set(key, made)
    return made
  }
}

interface RankedTier {
  readonly name: string
  readonly atEnd: 'drop' | 'pass'
}

/** Tiers by order, those without one last, then by name; a tier a policy names and nobody made counts as the last and drops (felix/calc/policy_sorter.go). */
const tierRanks = (tiers: readonly Tier[], policies: readonly GlobalNetworkPolicy[]): RankedTier[] => {
  const made = tiers.map(({ metadata, spec }) => ({
    name: metadata.name,
    order: spec?.order ?? Number.POSITIVE_INFINITY,
    atEnd: spec?.defaultAction === 'Pass' ? ('pass' as const) : ('drop' as const),
  }))
  const missing = [...new Set(policies.map(tierOf))].filter((name) => !made.some((tier) => tier.name === name))
  const all = [
    ...made,
    ...missing.map((name) => ({ name, order: name === 'default' ? 1_000_000 : Number.POSITIVE_INFINITY, atEnd: 'drop' as const })),
  ]
  return all.sort((one, other) => (one.order === other.order ? byText(one.name, other.name) : one.order - other.order))
}

const compileEndpoint = (
  endpoint: HostEndpoint,
  subjects: readonly Subject[],
  tiers: readonly RankedTier[],
  context: RuleContext,
): CompiledEndpoint => {
  const know = hostEndpointKnowledge(endpoint)
  const governing: GlobalNetworkPolicy[] = []
  const beyond: string[] = []
  for (const { policy, selector } of subjects) {
    const selected = selector === undefined ? undefined : matchesPartly(selector, know)
    if (selected === undefined)
      beyond.push(
        `whether GlobalNetworkPolicy ${policy.metadata.name} governs HostEndpoint ${endpoint.metadata.name} cannot be told from its selector`,
      )
    if (selected) governing.push(policy)
  }
  const untracked = governing.filter(({ spec }) => spec.doNotTrack)
  const preDnat = governing.filter(({ spec }) => spec.preDNAT && !spec.doNotTrack)
  const normal = governing.filter(({ spec }) => !spec.preDNAT && !spec.doNotTrack)
  const forward = normal.filter(({ spec }) => spec.applyOnForward)
  const make = (of: readonly GlobalNetworkPolicy[], direction: 'ingress' | 'egress', stage: Decision['stage']): Chain =>
    chainOf(
      tiers.flatMap((tier) => compileTier(tier, of, direction, stage, context, beyond)),
      stage,
    )
  const ifAny = (of: readonly GlobalNetworkPolicy[], direction: 'ingress' | 'egress', stage: Decision['stage']): Chain | undefined =>
    of.some((policy) => governsDirection(policy, direction)) ? make(of, direction, stage) : undefined
  return {
    untrackedIngress: ifAny(untracked, 'ingress', 'doNotTrack'),
    untrackedEgress: ifAny(untracked, 'egress', 'doNotTrack'),
    preDnat: ifAny(preDnat, 'ingress', 'preDNAT'),
    ingress: make(normal, 'ingress', 'normal'),
    egress: make(normal, 'egress', 'normal'),
    forwardIngress: make(forward, 'ingress', 'forward'),
    forwardEgress: make(forward, 'egress', 'forward'),
    forwardsByDefault: forward.length === 0,
    profiles: profileAction(endpoint.spec.profiles ?? []),
    profileNames: endpoint.spec.profiles ?? [],
    beyond: beyond[0],
  }
}

const compileTier = (
  tier: RankedTier,
  policies: readonly GlobalNetworkPolicy[],
  direction: 'ingress' | 'egress',
  stage: Decision['stage'],
  context: RuleContext,
  beyond: string[],
): CompiledTier[] => {
  const own = policies.filter((policy) => tierOf(policy) === tier.name && governsDirection(policy, direction))
  if (own.length === 0) return []
  const compiled = own.map(({ metadata, spec }): CompiledPolicy => {
    const rules = (spec[direction] ?? []).map((rule) => {
      const compiled = unlessBadSelector(() => compileRule(rule, context))
      // It writes `icmp type 8 code 0`, which nft refuses; it then empties its table, tries again, and dies (felix/nftables/match_builder.go, 3.32.1).
      if (context.dataplane === 'nftables' && (rule.icmp?.code !== undefined || rule.notICMP?.code !== undefined))
        beyond.push(
          `Felix over nftables cannot program the ICMP code in GlobalNetworkPolicy ${metadata.name}: it ends again and again and leaves no rule`,
        )
      if (compiled === undefined) beyond.push(`a selector in GlobalNetworkPolicy ${metadata.name} cannot be parsed`)
      return { action: rule.action, ...(compiled ?? nobodyKnows) }
    })
    return { name: metadata.name, direction, rules }
  })
  /** A doNotTrack or preDNAT tier never drops at its end: normal policy is still to come (felix/calc/event_sequencer.go `tierInfoToProtoTierInfo`). */
  return [{ name: tier.name, policies: compiled, atEnd: stage === 'preDNAT' || stage === 'doNotTrack' ? 'pass' : tier.atEnd }]
}

/**
 * With the Kubernetes datastore profiles are built in: `projectcalico-default-allow` lets everything pass, `kns.NAMESPACE` does where that namespace
 * exists, anything else is a name nobody answers to, and what no profile lets pass is dropped.
 */
const profileAction = (profiles: readonly string[]): CompiledEndpoint['profiles'] => {
  if (profiles.includes(names.defaultAllowProfile)) return 'allow'
  return profiles.some((profile) => profile.startsWith('kns.')) ? 'unknown' : 'deny'
}

const nobodyKnows: CompiledRule = { matches: () => undefined, mayBeFor: () => undefined }
