import { isOurs, keys, names } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import { governsDirection, isUnconditional, selects, tierOf } from '../calico/policies.ts'
import type { GlobalNetworkPolicy, HostEndpoint, Rule, Tier } from '../calico/shapes.ts'
import { isWildcard, rivalsOf } from '../firewall/plan/rivals.ts'
import { labelTrust } from './label-trust.ts'
import { isHostEndpoint } from './world-edits.ts'

/** Something in the cluster that makes HostEndpoints of ours dangerous, and that the gate could not undo. */
export interface ForeignDanger {
  /** `GlobalNetworkPolicy baseline`. */
  readonly object: string
  readonly why: string
  readonly remedy: string
  /** A Deny of this tool's own: it must name no run before the commit, and the open set opens what it closes. */
  readonly own?: true
}

/** What is looked at: the HostEndpoints about to be written, and everything of Calico's that stands in the cluster. */
export interface ForeignObjects {
  readonly plannedHostEndpoints: readonly KubeObject[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly tiers: readonly Tier[]
}

/**
 * Everything that may drop traffic of the planned HostEndpoints, opens them to whoever carries a label, or takes their interface: foreign
 * policies in any tier, a Deny of ours that already names the run, other HostEndpoints on the same NIC, profiles nobody answers to. None of it opens again when the gate goes, so none
 * may be there when a HostEndpoint is written: asked in preflight and again before every batch.
 */
export const foreignDangers = ({ plannedHostEndpoints, policies, hostEndpoints, tiers }: ForeignObjects): ForeignDanger[] => {
  const planned = plannedHostEndpoints.filter(isHostEndpoint)
  const isInherited = inheriting(policies, hostEndpoints)
  return [...policyDangers(planned, policies, tiers, isInherited), ...rivalDangers(planned, hostEndpoints), ...profileDangers(planned, hostEndpoints)]
}

type IsInherited = (policy: GlobalNetworkPolicy, own: HostEndpoint) => boolean

/**
 * Whether a policy governs the HostEndpoint that ours takes over as well, behind ours: then it does to the NIC what it does today, and only where the gate has opened.
 * Not one before our gate policy, of another tier, or doNotTrack: ours would not decide before it.
 */
const inheriting =
  (policies: readonly GlobalNetworkPolicy[], present: readonly HostEndpoint[]): IsInherited =>
  (policy, own) => {
    const theirs = adoptedBy(own, present)
    const gate = policies.find(
      ({ metadata: { labels = {} } }) => labels[keys.policy] === 'gate' && labels[keys.change] === own.metadata.labels?.[keys.run],
    )
    const { order = Number.POSITIVE_INFINITY, doNotTrack } = policy.spec
    if (theirs === undefined || gate?.spec.order === undefined || doNotTrack === true || tierOf(policy) !== 'default') return false
    return gate.spec.order < order && selects(policy, theirs.metadata.labels ?? {}) === true
  }

/** The HostEndpoint of another's that ours takes over; undefined where that is not the one in force. */
const adoptedBy = (own: HostEndpoint, present: readonly HostEndpoint[]): HostEndpoint | undefined => {
  const name = own.metadata.annotations?.[keys.adopts]
  const [inForce] = name === undefined ? [] : rivalsOf(own, present)
  if (inForce === undefined || inForce.metadata.name !== name) return undefined
  return isWildcard(inForce) || own.metadata.name < name ? inForce : undefined
}

/** Our base, allow and gate policies are the plan's and proved; only a Deny must not name the run before the commit. */
const isProved = (policy: GlobalNetworkPolicy): boolean =>
  isOurs(policy) && ['base', 'allow', 'gate'].includes(policy.metadata.labels?.[keys.policy] ?? '')

const policyDangers = (
  planned: readonly HostEndpoint[],
  policies: readonly GlobalNetworkPolicy[],
  tiers: readonly Tier[],
  isInherited: IsInherited,
): ForeignDanger[] => {
  const alike = new Map(planned.map((own) => [JSON.stringify([own.metadata.labels ?? {}, own.metadata.annotations?.[keys.adopts] ?? '']), own]))
  const foreign = policies.filter((policy) => !isProved(policy))
  const found = new Map<GlobalNetworkPolicy, Set<string>>()
  const note = (policy: GlobalNetworkPolicy, what: string) => found.set(policy, (found.get(policy) ?? new Set<string>()).add(what))
  for (const endpoint of alike.values()) {
    const own = endpoint.metadata.labels ?? {}
    const governing: GlobalNetworkPolicy[] = []
    for (const policy of foreign) {
      if (isInherited(policy, endpoint)) continue
      const selected = selects(policy, own)
      if (selected === undefined) note(policy, 'its selector cannot be parsed, so what it governs is not known')
      if (selected) governing.push(policy)
    }
    const dropping = new Map(drops(governing, tiers).reverse())
    for (const policy of governing) {
      const why = dropping.get(policy)
      if (why !== undefined) note(policy, why)
      for (const trust of labelTrust(policy, own)) note(policy, trust)
    }
  }
  return [...found].map(([policy, whats]) => dangerOf(policy, [...whats].join('; ')))
}

const dangerOf = (policy: GlobalNetworkPolicy, what: string): ForeignDanger => ({
  object: formatRef(refOf(policy)),
  ...(isOurs(policy) ? { own: true } : {}),
  why: `it would govern the planned HostEndpoints, and ${what}; the gate cannot undo that`,
  remedy: isOurs(policy)
    ? `kubectl delete globalnetworkpolicy ${policy.metadata.name}   # it is a leftover of another run`
    : `kubectl edit globalnetworkpolicy ${policy.metadata.name}   # add "&& !has(${keys.run})" to its selector, or delete it`,
})

/** The policies among those that govern one endpoint that may drop something, each with how. */
const drops = (policies: readonly GlobalNetworkPolicy[], tiers: readonly Tier[]): [GlobalNetworkPolicy, string][] => {
  const untracked = policies
    .filter(({ spec }) => spec.doNotTrack)
    .map((policy): [GlobalNetworkPolicy, string] => [policy, 'it is doNotTrack, which bypasses every other policy and connection tracking'])
  const tracked = policies.filter(({ spec }) => !spec.doNotTrack)
  return [
    ...untracked,
    ...tracked.flatMap((policy) => explicit(policy)),
    ...endsOfTiers(
      tracked.filter(({ spec }) => !spec.preDNAT),
      tiers,
    ),
  ]
}

const directions = ['ingress', 'egress'] as const

const explicit = (policy: GlobalNetworkPolicy): [GlobalNetworkPolicy, string][] =>
  directions
    .filter((direction) => governsDirection(policy, direction))
    .flatMap((direction) => {
      const at = reachable(policy.spec[direction] ?? []).findIndex(({ action }) => action === 'Deny')
      return at < 0 ? [] : [[policy, `rule ${direction}[${at}] denies`]]
    })

/** Where a tier drops at its end, its policies must let everything pass in each direction they govern: one unconditional Allow or Pass does. */
const endsOfTiers = (policies: readonly GlobalNetworkPolicy[], tiers: readonly Tier[]): [GlobalNetworkPolicy, string][] => {
  const dropping = [...new Set(policies.map(tierOf))].filter(
    (name) => tiers.find(({ metadata }) => metadata.name === name)?.spec?.defaultAction !== 'Pass',
  )
  return dropping.flatMap((tier) =>
    directions.flatMap((direction) => {
      const own = policies.filter((policy) => tierOf(policy) === tier && governsDirection(policy, direction))
      return [own, own.filter(({ spec }) => spec.applyOnForward)]
        .filter((group) => !group.some(({ spec }) => (spec[direction] ?? []).some(letsAllPass)))
        .flatMap((group) =>
          group.map((policy): [GlobalNetworkPolicy, string] => [policy, `its tier ${tier} drops every ${direction} packet no rule of it allows`]),
        )
    }),
  )
}

/** Rules a packet can get to: none after one that takes everything. */
const reachable = (rules: readonly Rule[]): readonly Rule[] => {
  const last = rules.findIndex(letsAllPass)
  return last < 0 ? rules : rules.slice(0, last + 1)
}

/** An Allow or Pass without any condition. */
const letsAllPass = (rule: Rule): boolean => (rule.action === 'Allow' || rule.action === 'Pass') && isUnconditional(rule)

/** Another HostEndpoint on the same interface: which of the two wins goes by name, and what the other one guarded opens. */
const rivalDangers = (planned: readonly HostEndpoint[], present: readonly HostEndpoint[]): ForeignDanger[] => {
  const byNode = new Map<string, HostEndpoint[]>()
  for (const other of present) byNode.set(other.spec.node, [...(byNode.get(other.spec.node) ?? []), other])
  const told = new Set<HostEndpoint>()
  return planned.flatMap((own) => {
    const near = byNode.get(own.spec.node) ?? []
    if (adoptedBy(own, near) !== undefined) return []
    return rivalsOf(own, near).flatMap((other) => {
      if (told.has(other)) return []
      told.add(other)
      const how = isWildcard(other)
        ? `it governs every interface of node ${other.spec.node}; HostEndpoint ${own.metadata.name} would take ${own.spec.interfaceName} from it, and what it closes there would open`
        : `it holds ${own.spec.interfaceName} of node ${other.spec.node} too, and the alphabetically smaller name of it and ${own.metadata.name} wins`
      return [
        {
          object: formatRef(refOf(other)),
          why: how,
          remedy: 'kubectl calico-fw adopt   # takes it over on trial, with what governs it; or delete it',
        },
      ]
    })
  })
}

/** Without a profile that exists, a direction no policy governs is dropped: egress goes silently, with nothing armed. */
const profileDangers = (planned: readonly HostEndpoint[], present: readonly HostEndpoint[]): ForeignDanger[] => {
  const ours = new Map([...planned, ...present.filter((endpoint) => isOurs(endpoint))].map((endpoint) => [endpoint.metadata.name, endpoint]))
  return [...ours.values()]
    .filter(({ spec }) => !spec.profiles?.includes(names.defaultAllowProfile))
    .map((endpoint) => ({
      object: formatRef(refOf(endpoint)),
      why: `its profiles are ${JSON.stringify(endpoint.spec.profiles ?? [])}: without ${names.defaultAllowProfile} Calico drops what node ${endpoint.spec.node} sends`,
      remedy: `kubectl delete hostendpoint ${endpoint.metadata.name}`,
    }))
}
