import { names, orders } from '../../calico/names.ts'
import type { EntityRule, GlobalNetworkPolicy, Rule } from '../../calico/shapes.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { policyObject } from './policy-object.ts'
import { anyRun, setOf } from './selectors.ts'

/**
 * What every firewall of ours lets in before anything else, in this order:
 * - nothing from outside to 127.0.0.0/8. A named HostEndpoint never sees loopback traffic, so a packet with such a destination came by
 *   wire; with kube-proxy's route_localnet it would reach services that listen on localhost only, for Calico's accept comes before KUBE-FIREWALL;
 * - everything while the open set exists;
 * - nodes, by the addresses we know and by the live Service that also knows a node that joins tomorrow. Any protocol, so VRRP, IPIP and
 *   VXLAN between nodes live: preDNAT has none of the exemptions Felix's filter table makes for tunnels;
 * - the trusted networks;
 * - ICMP, for path MTU and for people; ICMPv6, without which IPv6 neighbours do not find each other; with `icmp: trusted` of either only the
 *   types of {@link neededTypes};
 * - DHCPv6 replies and VRRP over IPv6, whose link-local senders are in no set. DHCPv4 replies are a failsafe (udp/68). IGMP queries come from
 *   routers and are not let in: 224.0.0.0/24, where VRRP lives, is flooded by snooping switches without reports (RFC 4541 2.1.2).
 */
export const baseRules = (calicoNamespace: string, icmp: Icmp, trusted: readonly EntityRule[] = [setOf('trusted')]): Rule[] => [
  { action: 'Deny', destination: { nets: ['127.0.0.0/8'] } },
  { action: 'Allow', source: setOf('open') },
  { action: 'Allow', source: setOf('nodes') },
  { action: 'Allow', source: { services: { name: names.nodesService, namespace: calicoNamespace } } },
  ...trusted.map((source): Rule => ({ action: 'Allow', source })),
  ...icmpRules(icmp),
  { action: 'Allow', ipVersion: 6, protocol: 'UDP', source: { nets: ['fe80::/10'] }, destination: { nets: ['fe80::/10'], ports: [546] } },
  { action: 'Allow', ipVersion: 6, protocol: 112, source: { nets: ['fe80::/10'] }, destination: { nets: ['ff02::12/128'] } },
]

/**
 * The types everyone may send whoever may ping. ICMP: unreachable (path MTU among it), time exceeded, parameter problem; those of connections that stand are
 * let in before any policy, these are for the others. ICMPv6: the same errors, packet too big, multicast listeners (RFC 2710, 3810), routers and neighbours
 * (RFC 4861). Not redirects: routers are nodes, trusted, or not asked.
 */
const neededTypes = { ICMP: [3, 11, 12], ICMPv6: [1, 2, 3, 4, 130, 131, 132, 133, 134, 135, 136, 143] } as const

type Icmp = HostFirewall['spec']['icmp']

const icmpRules = (icmp: Icmp): Rule[] =>
  ([4, 6] as const).flatMap((ipVersion): Rule[] => {
    const protocol = ipVersion === 4 ? 'ICMP' : 'ICMPv6'
    const rule: Rule = { action: 'Allow', ipVersion, protocol }
    return icmp === undefined ? [rule] : neededTypes[protocol].map((type) => ({ ...rule, icmp: { type } }))
  })

/** GlobalNetworkPolicy calico-fw-base, on every HostEndpoint of ours, ordered before all others. */
export const basePolicy = (calicoNamespace: string, icmp: Icmp): GlobalNetworkPolicy =>
  policyObject({ name: names.basePolicy, role: 'base', order: orders.base, selector: anyRun, rules: baseRules(calicoNamespace, icmp) })
