import { egressGateName, keys, names, orders, plainName } from '../../calico/names.ts'
import type { EntityRule, GlobalNetworkPolicy, Rule } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { familyOf } from '../../net/address.ts'
import { partsOf } from '../../net/cidr.ts'
import type { Standing } from '../facts/standing.ts'
import type { EgressEntry } from '../file/host-firewall.ts'
import { egressPolicyObject } from './policy-object.ts'
import { allowRules, ruleLimits } from './rule-chunks.ts'
import { gateOf, oneRun, runsIn, setOf, theseRuns } from './selectors.ts'

/**
 * What a node may always send, before the file's own entries:
 * - everything while the open set exists;
 * - to nodes and to the API, by the addresses we know, and to the ports of the live Service, which also knows a node that joins tomorrow: as a destination Felix
 *   takes a Service's addresses with its ports (felix/calc/rule_scanner.go `ServiceIncludePorts`), so those are the kubelets' and calico-node's;
 * - to pods, Services and trusted networks;
 * - ICMP and ICMPv6, for path MTU and neighbours; and what stays on the link: VRRP, IGMP, DHCPv6.
 * Names over UDP, DHCP, BGP, etcd, Typha and the API on 6443 are outbound failsafes, which no policy cuts. Answers belong to connections that stand.
 */
const lifeRules = (calicoNamespace: string, trusted: readonly EntityRule[]): Rule[] => [
  { action: 'Allow', destination: setOf('open') },
  { action: 'Allow', destination: setOf('nodes') },
  { action: 'Allow', destination: { services: { name: names.nodesService, namespace: calicoNamespace } } },
  ...trusted.map((destination): Rule => ({ action: 'Allow', destination })),
  { action: 'Allow', ipVersion: 4, protocol: 'ICMP' },
  { action: 'Allow', ipVersion: 6, protocol: 'ICMPv6' },
  { action: 'Allow', destination: { nets: ['224.0.0.0/24'] } },
  { action: 'Allow', destination: { nets: ['fe80::/10', 'ff02::/16'] } },
]

/**
 * The Allow rules of an egress allowlist.
 * @throws FwError FW_UNSUPPORTED when they do not fit into one policy
 */
export const egressRules = (
  entries: readonly EgressEntry[],
  calicoNamespace: string,
  trusted: readonly EntityRule[] = [setOf('trusted')],
): Rule[] => {
  const own = entries.flatMap(entryRules)
  const rules = [...lifeRules(calicoNamespace, trusted), ...own]
  if (rules.length + 2 <= ruleLimits.rules) return rules
  throw new FwError('FW_UNSUPPORTED', `an egress allowlist of ${own.length} rules does not fit into one policy`, {
    why: `a policy takes ${ruleLimits.rules} rules; an entry needs one for each protocol, address family and ${ruleLimits.nets} networks`,
    fix: 'name larger networks, or several ports in one entry',
  })
}

/** A /0 is left out of the rule, which then is for every address of its family: Felix 3.32 cannot take one into a set (calico#13477). */
const entryRules = ({ to, traffic }: EgressEntry): Rule[] =>
  ([4, 6] as const).flatMap((ipVersion) => {
    const nets = to.nets.filter((net) => familyOf(net) === ipVersion)
    const isEverywhere = nets.some((net) => partsOf(net).length === 0)
    return traffic.flatMap(({ protocol, ports }): Rule[] =>
      isEverywhere
        ? allowRules({ protocol, ports, source: undefined, destination: {} }).map((rule) => ({ ...rule, ipVersion }))
        : allowRules({ protocol, ports, source: undefined, destination: nets }),
    )
  })

/**
 * GlobalNetworkPolicy calico-fw-egress: what the nodes of these runs may send, for good. It names runs as calico-fw-deny does, and is written after that: a crash in
 * between leaves what comes in closed and what leaves open.
 */
export const egressPolicy = (rules: readonly Rule[], runs: readonly number[]): GlobalNetworkPolicy =>
  egressPolicyObject({
    ...{ name: names.egressPolicy, role: 'egress', order: orders.egress },
    selector: theseRuns([...new Set(runs)].sort((one, other) => one - other)),
    rules: [...rules, { action: 'Deny' }],
  })

/**
 * GlobalNetworkPolicy calico-fw-gate-N-egress: tries the allowlist on run N while the gate's set exists. Without it, everything leaves: it ends in an Allow,
 * because a tier drops what none of the Egress policies of a HostEndpoint allows.
 */
export const egressGate = (change: number, rules: readonly Rule[], gateOrder: number): GlobalNetworkPolicy =>
  egressPolicyObject({
    ...{ name: egressGateName(change), role: 'gate', order: orders.egressGate(gateOrder), selector: oneRun(change) },
    rules: [...rules, { action: 'Deny', destination: gateOf(change) }, { action: 'Allow' }],
    labels: { [keys.change]: `${change}` },
  })

/** What an egress policy of ours lets out. */
export const letOutBy = ({ spec }: GlobalNetworkPolicy): Rule[] => (spec.egress ?? []).filter(({ action }) => action === 'Allow')

/** Whether calico-fw-egress is there for every kept run. One it does not name sends everything: its client died between the commit and that write. */
export const limitsEveryRun = ({ egress, runs }: Pick<Standing, 'egress' | 'runs'>): boolean => {
  const known = runsIn(egress?.spec.selector ?? '')
  return runs.every((run) => known.includes(run))
}

/** Whether a policy of this name is the kept allowlist or tries one. */
export const isEgressPolicy = (name: string): boolean => name === names.egressPolicy || /^calico-fw-gate-\d+-egress$/.test(name)

/** The runs calico-fw-egress names among these policies; none without it. */
export const limitedRuns = (policies: readonly GlobalNetworkPolicy[]): number[] =>
  policies.filter(({ metadata }) => plainName(metadata.name) === names.egressPolicy).flatMap(({ spec }) => runsIn(spec.selector ?? ''))
