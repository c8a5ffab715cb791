import { requireValid } from '../../calico/limits.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { GlobalNetworkPolicy } from '../../calico/shapes.ts'
import type { Facts } from '../facts/facts.ts'
import { standingOf } from '../facts/standing.ts'
import { firewallConfigMap } from '../file/firewall-text.ts'
import type { AllowEntry, ExtraFailsafe, HostFirewall } from '../file/host-firewall.ts'
import { allowPolicies } from '../objects/allow-policy.ts'
import { hostNets, nodeAddresses, trustedNets } from '../objects/network-sets.ts'
import { planProbes } from '../probes/plan-probes.ts'
import type { Probe } from '../probes/probes.ts'
import { vantageOf } from '../probes/vantage.ts'
import { type Explanation, explainVip } from './explain-vip.ts'
import { failsafeChange } from './failsafe-change.ts'
import { inboundAfter } from './inbound-after.ts'
import { entryOpens } from './openings.ts'
import type { FailsafeChange } from './plan.ts'
import { closedInterfaces } from './plan-host-endpoints.ts'
import { allowOrders } from './plan-policies.ts'

/** What one more opening is made from. */
export interface AddVipInput {
  readonly facts: Facts
  /** The firewall as the cluster keeps it. */
  readonly existing: HostFirewall
  /** From `vipEntry`. */
  readonly entry: AllowEntry
  /** From `vipFailsafes`; empty without `--failsafe`. */
  readonly failsafes: readonly ExtraFailsafe[]
}

/** One more opening, ready to be written and probed. */
export interface AddVip {
  /** The firewall with the entry in it. */
  readonly firewall: HostFirewall
  /** The firewall's ConfigMap, to be written with the policy. */
  readonly configMap: KubeObject
  /** One policy, or several for an entry of more than 1024 rules. */
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly failsafes: FailsafeChange | undefined
  /** Life lines, and what must go on looking closed. */
  readonly probes: readonly Probe[]
  /** What should answer from here once the policy is in force, if something listens; empty where this machine is not among those let in. */
  readonly opened: readonly Probe[]
  readonly explanations: readonly Explanation[]
}

/**
 * Makes one more opening in a firewall. It only ever opens, so it needs no gate: one policy, and with `--failsafe` the failsafes. Nothing is
 * refused for being useless; `explanations` says so instead.
 * @throws FwError FW_BAD_FAILSAFE, FW_BAD_OBJECT
 */
export const makeAddVip = ({ facts, existing, entry, failsafes: extra }: AddVipInput): AddVip => {
  const firewall = withEntry(existing, entry, extra)
  const standing = standingOf(facts)
  const addresses = nodeAddresses(facts)
  const trusted = trustedNets(facts, existing)
  const change = extra.length === 0 ? undefined : failsafeChange(facts, firewall)
  const vantage = vantageOf(facts, [...hostNets(addresses), ...trusted])
  const closed = closedInterfaces([...standing.hostEndpoints.values()])
  const probeInput = { facts, firewall, failsafes: inboundAfter(facts, change), nodeAddresses: addresses, vantage, closed, lastClosed: undefined }
  const probes = planProbes(probeInput)
  const isOpened = ({ target, expect }: Probe) =>
    expect === 'open' && target.kind === 'tcp' && entryOpens(entry, { protocol: 'TCP', ...target }, addresses)
  const policies = allowPolicies(entry, allowOrders(standing))
  const configMap = firewallConfigMap(firewall)
  requireValid([...policies, configMap])
  return {
    firewall,
    configMap,
    policies,
    failsafes: change,
    probes: probes.filter((probe) => !isOpened(probe)),
    opened: probes.filter(isOpened),
    explanations: explainVip({
      facts,
      entry,
      existing,
      failsafes: inboundAfter(facts, undefined),
      nodeAddresses: addresses,
      trusted,
      standing: standing.runs.length > 0,
    }),
  }
}

/** A firewall with one more entry and failsafes; an entry of the same name is replaced. */
const withEntry = (firewall: HostFirewall, entry: AllowEntry, extra: readonly ExtraFailsafe[]): HostFirewall => {
  const { allow, extraFailsafePorts } = firewall.spec
  const isKnown = ({ protocol, port }: ExtraFailsafe) => extraFailsafePorts.inbound.some((one) => one.protocol === protocol && one.port === port)
  return {
    ...firewall,
    spec: {
      ...firewall.spec,
      allow: [...allow.filter(({ name }) => name !== entry.name), entry],
      extraFailsafePorts: { ...extraFailsafePorts, inbound: [...extraFailsafePorts.inbound, ...extra.filter((one) => !isKnown(one))] },
    },
  }
}
