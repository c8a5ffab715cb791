import { allowPolicyName, orders } from '../../calico/names.ts'
import { type ObjectRef, refOf } from '../../calico/object.ts'
import type { GlobalNetworkPolicy, Rule } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import type { Cidr } from '../../net/cidr.ts'
import type { Standing } from '../facts/standing.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { allowPolicies } from '../objects/allow-policy.ts'
import { basePolicy, baseRules } from '../objects/base-policy.ts'
import { egressGate, egressPolicy, egressRules, letOutBy, limitsEveryRun } from '../objects/egress-policy.ts'
import { gatePolicy } from '../objects/gate.ts'
import { netEntities, ruleLimits } from '../objects/rule-chunks.ts'
import { narrows, netsNarrow } from './narrowing.ts'

/** The policies of a run: what is written before anything closes, and what waits for the commit. */
export interface PlannedPolicies {
  readonly now: readonly GlobalNetworkPolicy[]
  /** Written last, and only when HostEndpoints are: a run that closes nothing leaves no trace of a gate. One for what comes in, one for what leaves. */
  readonly gates: readonly GlobalNetworkPolicy[]
  /** What may leave once the run is kept; undefined where all of it does. */
  readonly egress: readonly Rule[] | undefined
  readonly finish: { readonly write: readonly GlobalNetworkPolicy[]; readonly remove: readonly ObjectRef[] }
  /** Whether the firewall in force gets narrower, so that all HostEndpoints go through a trial. */
  readonly trial: boolean
  /** Whether a firewall in force keeps pings to trusted networks, and will no longer. */
  readonly pings: boolean
  /** Allow entries that get narrower or go. */
  readonly narrowed: readonly string[]
  /** Whether a firewall in force lets out what this one will not. */
  readonly egressNarrows: boolean
}

/** What {@link planPolicies} needs. */
export interface PolicyInput {
  readonly firewall: HostFirewall
  readonly standing: Standing
  readonly calicoNamespace: string
  readonly change: number
  readonly trusted: readonly Cidr[]
  /** Somebody else's firewall is taken over: the smallest order of their policies. */
  readonly over?: number
}

/**
 * Plans base, allows and gate. With nothing committed all of it is written at once, and allows left from an expired run are emptied, since they
 * would hold open what this run must see closed. With a firewall in force nothing is written that narrows it: its allows and sets stay as wide
 * as they are, the gate policy brings the narrower rules and stands before them, and the commit alone writes and deletes the rest. That holds for
 * each policy by itself, for writes land one by one: what moves from one to another stands in both until all of them are there.
 */
export const planPolicies = ({ firewall, standing, calicoNamespace, change, trusted, over }: PolicyInput): PlannedPolicies => {
  const wanted = wantedAllows(firewall, standing)
  const rules = wanted.flatMap(({ spec }) => spec.ingress ?? [])
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  const obsolete = [...standing.allows].filter(([name]) => !names.has(name))
  const inForce = standing.runs.length > 0
  const isNarrower = (policy: GlobalNetworkPolicy | undefined) => inForce && narrows(policy?.spec.ingress ?? [], rules)
  const narrower = wanted.filter(({ metadata }) => isNarrower(standing.allows.get(metadata.name)))
  const shrinking = wanted.filter((policy) => inForce && narrows(rulesBefore(policy, standing), policy.spec.ingress ?? []))
  const lost = obsolete.filter(([, policy]) => isNarrower(policy))
  const { icmp } = firewall.spec
  const base = basePolicy(calicoNamespace, icmp)
  const baseNarrows = inForce && narrows(standing.base?.spec.ingress ?? [], base.spec.ingress ?? [])
  const egress = firewall.spec.egress && egressRules(firewall.spec.egress, calicoNamespace)
  const egressNarrows =
    inForce && egress !== undefined && !(limitsEveryRun(standing) && standing.egress !== undefined && !narrows(letOutBy(standing.egress), egress))
  const trial = egressNarrows || baseNarrows || narrower.length > 0 || lost.length > 0 || (inForce && netsNarrow(standing.trustedNets, trusted))
  const emptied = inForce ? [] : obsolete.map(([, policy]) => ({ ...plain(policy), spec: { ...policy.spec, ingress: [] } }))
  const gateOrder = over === undefined ? orders.trial(change) : orders.over(over, change)
  return {
    now: [
      ...(egress === undefined || standing.egress === undefined || egressNarrows || !inForce ? [] : [egressPolicy(egress, standing.runs)]),
      ...(baseNarrows ? [] : [base]),
      ...wanted.flatMap((policy) => (shrinking.includes(policy) ? grown(policy, rulesBefore(policy, standing)) : [policy])),
      ...emptied,
    ],
    gates: [
      trial || over !== undefined
        ? gatePolicy(change, { rules: trialRules(baseRules(calicoNamespace, icmp, netEntities(trusted)), rules), order: gateOrder })
        : gatePolicy(change),
      ...(firewall.spec.egress === undefined
        ? []
        : [egressGate(change, egressRules(firewall.spec.egress, calicoNamespace, netEntities(trusted)), gateOrder)]),
    ],
    egress,
    egressNarrows,
    finish: {
      write: [...(baseNarrows ? [base] : []), ...shrinking],
      remove: [
        ...obsolete.map(([, policy]) => refOf(policy)),
        ...(egress === undefined && standing.egress !== undefined ? [refOf(standing.egress)] : []),
        ...standing.gates.map(refOf),
      ],
    },
    trial,
    pings: inForce && icmp === undefined && (standing.base?.spec.ingress ?? []).some((rule) => rule.icmp !== undefined),
    narrowed: [...narrower.map(({ metadata }) => metadata.name), ...lost.map(([name]) => name)].map((name) => name.slice(allowPolicyName('').length)),
  }
}

const rulesBefore = ({ metadata }: GlobalNetworkPolicy, { allows }: Standing): readonly Rule[] => allows.get(metadata.name)?.spec.ingress ?? []

/** A policy that lets in what it did and what it will; none where it lets in nothing new. */
const grown = (policy: GlobalNetworkPolicy, before: readonly Rule[]): GlobalNetworkPolicy[] => {
  const rules = policy.spec.ingress ?? []
  if (!narrows(rules, before)) return []
  const same = new Set(rules.map((rule) => JSON.stringify(rule)))
  const all = [...rules, ...before.filter((old) => !same.has(JSON.stringify(old)))]
  if (all.length <= ruleLimits.rules) return [{ ...policy, spec: { ...policy.spec, ingress: all } }]
  throw new FwError('FW_UNSUPPORTED', `${policy.metadata.name} with its old and its new rules has ${all.length}`, {
    why: `a policy takes ${ruleLimits.rules} rules, and what moves from one entry to another is in both until all are written`,
    fix: 'split the entry in the file, apply that, then change it',
  })
}

/** The file's allow policies, in its order. */
const wantedAllows = (firewall: HostFirewall, standing: Standing): GlobalNetworkPolicy[] => {
  const orderOf = allowOrders(standing)
  const policies = firewall.spec.allow.flatMap((entry) => allowPolicies(entry, orderOf))
  const seen = new Set<string>()
  for (const { metadata } of policies) {
    if (seen.has(metadata.name))
      throw new FwError('FW_BAD_OBJECT', `two allow entries make the policy ${metadata.name}`, { fix: 'give one of them another name' })
    seen.add(metadata.name)
  }
  return policies
}

/**
 * Orders for allow policies, by name, each given once. One that exists keeps its order, so that an entry added or removed elsewhere in the
 * file does not rewrite it.
 */
export const allowOrders = ({ allows }: Standing): ((name: string) => number) => {
  const taken = new Set([...allows.values()].map(({ spec }) => spec.order))
  let index = 0
  return (name) => {
    const kept = keptOrder(allows.get(name))
    if (kept !== undefined) return kept
    while (taken.has(orders.allow(index))) index++
    taken.add(orders.allow(index))
    return orders.allow(index)
  }
}

const keptOrder = (policy: GlobalNetworkPolicy | undefined): number | undefined => {
  const order = policy?.spec.order
  return order !== undefined && order >= orders.allow(0) && order < orders.gate(0) ? order : undefined
}

const trialRules = (base: readonly Rule[], allows: readonly Rule[]): Rule[] => {
  const rules = [...base, ...allows]
  if (rules.length < ruleLimits.rules) return rules
  throw new FwError('FW_UNSUPPORTED', `a trial of ${allows.length} rules does not fit into one policy`, {
    why: `a policy takes ${ruleLimits.rules} rules, and what narrows or takes over another firewall is tried in one`,
    fix: 'kubectl calico-fw rollback --to 0, then apply -f with the new file',
  })
}

/** A policy from the cluster without what only the server writes, ready to be applied. */
const plain = ({ apiVersion, kind, metadata }: GlobalNetworkPolicy) => ({
  apiVersion,
  kind,
  metadata: { name: metadata.name, ...(metadata.labels === undefined ? {} : { labels: metadata.labels }) },
})
