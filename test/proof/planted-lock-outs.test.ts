import { describe, expect, it } from 'vitest'
import { defaultFailsafes } from '../../src/calico/failsafes.ts'
import { keys, names } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import type { FailsafePort, NetworkSet, Rule } from '../../src/calico/shapes.ts'
import type { Components } from '../../src/firewall/facts/components.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { AllowEntry } from '../../src/firewall/file/host-firewall.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { homeAddresses as at, nodeName } from '../fixtures/home-facts.ts'
import {
  and,
  baseRulesOf,
  type Case,
  type Change,
  cluster,
  denying,
  failsafes,
  foreign,
  hostEndpointsOf,
  netsOf,
  pool,
  quietComponents,
  richFacts,
  richPlan,
  specOf,
  v6Of,
} from './rich-cluster.ts'

const tcp = (...ports: number[]) => ({ protocol: 'TCP' as const, destination: { ports } })
const udp = (...ports: number[]) => ({ protocol: 'UDP' as const, destination: { ports } })
const failsafe = (port: number, net?: string): FailsafePort => ({ protocol: 'TCP', port, ...(net === undefined ? {} : { net }) })
const inbound = [...defaultFailsafes.inbound, failsafe(7443)]
const lacking = (...ports: number[]): Change => failsafes(inbound.filter(({ port }) => !ports.includes(port)))
const forgetFailsafes: Change = ({ facts, plan }) => ({ facts, plan: { ...plan, failsafes: undefined } })
const asIs: Change = (given) => given
const typhaAt = (port: number): Change =>
  cluster((facts) => ({
    ...facts,
    felixPeers: [...facts.felixPeers, { address: at.ws2, port, sources: ['Service calico-typha'], node: nodeName('ws2') }],
  }))
const balancer = (...ports: number[]): Change => {
  const entry: AllowEntry = {
    name: 'balancer',
    to: { nodes: true },
    from: { nets: [parseCidr('192.0.2.0/24')] },
    traffic: [{ protocol: 'TCP', ports: ports.map((port) => ({ first: port, last: port })) }],
  }
  return cluster(
    (facts) => facts,
    (now) => ({ ...now, spec: { ...now.spec, allow: [...now.spec.allow, entry] } }),
  )
}
const trusting = (net: string): Change =>
  cluster(
    (facts) => facts,
    (now) => ({ ...now, spec: { ...now.spec, trustedNets: [...now.spec.trustedNets, parseCidr(net)] } }),
  )
const finishing =
  (edit: (nets: readonly string[]) => readonly string[]): Change =>
  ({ facts, plan }) => {
    const set = plan.sets.find(({ kind, metadata }) => kind === 'GlobalNetworkSet' && metadata.name === names.nodesSet) as NetworkSet
    const written: KubeObject = { ...set, spec: { nets: edit(set.spec.nets ?? []) } }
    return { facts, plan: { ...plan, finish: { write: [written], remove: [] } } }
  }
const told = (more: Partial<Components>): Change =>
  cluster((facts) => ({ ...facts, components: { ...(facts.components ?? quietComponents), ...more } }))
const felix = (name: string, value: string): Change => told({ felixSettings: [...quietComponents.felixSettings, { name, value, source: 'test' }] })
const etcdAt = (address: string, port: number): Change =>
  told({ etcd: { members: [{ address: parseAddress(address), port }], peerPorts: [2380], source: 'test' } })
const keepalivedOn = (...shorts: string[]): Change =>
  told({ programs: [{ kind: 'keepalived', name: 'keepalived', source: 'test', nodes: shorts.map(nodeName), ports: [{ protocol: 112 }] }] })
const timeFrom = (address: string): Change => told({ timeServers: [parseAddress(address)] })
const kubeletsAt = (port: number): Change => cluster((facts) => ({ ...facts, nodes: facts.nodes.map((node) => ({ ...node, kubeletPort: port })) }))
const storageNics = (facts: Facts): Facts => ({
  ...facts,
  nodes: facts.nodes.map((node, index) => ({
    ...node,
    interfaces: [...node.interfaces, { name: 'ens192', addresses: [parseAddress(`10.1.0.${index + 1}`)], source: 'test' }],
  })),
})
const byTheirEndpoints = (more: readonly Rule[]): Change =>
  foreign({
    ingress: [{ action: 'Allow' as const, source: { selector: `has(${keys.run})` } }, ...more].map((rule) => ({
      ...rule,
      destination: { ...rule.destination, nets: [`${at.control1}/32`] },
    })),
  })
const withoutPods = netsOf(names.trustedSet, (nets) => nets.filter((net) => !net.startsWith('10.233.')))
const withoutV6 = netsOf(names.nodesSet, (nets) => nets.filter((net) => !net.includes(':')))
const withoutRule = (protocol: string | number) => baseRulesOf((rules) => rules.filter((rule) => rule.protocol !== protocol))
const isNodesRule = (selector: string | undefined) => selector?.includes("'nodes'") === true
const nodesRule = (more: object) =>
  baseRulesOf((rules) => rules.map((rule) => (isNodesRule(rule.source?.selector) ? { ...rule, source: { ...rule.source, ...more } } : rule)))

interface Planted {
  readonly name: string
  readonly change: Change
  readonly flow: RegExp
  readonly rule: RegExp
  readonly remedy: RegExp
  readonly state?: RegExp
  /** The same kind of change, harmless. */
  readonly neighbour: Change
}

const byForeign = { rule: /GlobalNetworkPolicy foreign ingress\[0\]: Deny/, remedy: /^kubectl edit globalnetworkpolicy foreign .*!has\(calico-fw/ }
const byGate = { rule: /calico-fw-gate-1 ingress\[\d+\]: Deny/ }

const table: readonly Planted[] = [
  {
    name: 'a failsafe net that misses the API',
    change: failsafes([...inbound.filter(({ port }) => port !== 6443), failsafe(6443, '192.168.218.0/24')]),
    flow: /^Felix, Typha and API clients -> 192.168.218.171:6443/,
    rule: /6443\/tcp is no inbound failsafe for everyone on control1.*FELIX_FAILSAFEINBOUNDHOSTPORTS/,
    remedy: /^add 6443\/tcp, without a net/,
    state: /^before anything closes$/,
    neighbour: failsafes([...inbound, failsafe(6443, '192.168.218.0/24')]),
  },
  {
    name: 'the API VIP on 7443 that is no failsafe',
    change: forgetFailsafes,
    flow: /192.168.218.189:7443/,
    rule: /7443\/tcp is no inbound failsafe/,
    remedy: /^add \{protocol: TCP, port: 7443\} to spec.extraFailsafePorts.inbound/,
    neighbour: and(failsafes(inbound), forgetFailsafes),
  },
  {
    name: 'Typha moved to another port',
    change: and(typhaAt(9473), lacking(9473)),
    flow: /-> 192.168.218.175:9473/,
    rule: /9473\/tcp is no inbound failsafe for everyone on ws2/,
    remedy: /add 9473\/tcp/,
    neighbour: typhaAt(9473),
  },
  {
    name: 'Typha’s port cut by a stranger, and no failsafe',
    change: and(lacking(5473), denying(tcp(5473))),
    flow: /^Felix on .* -> Typha at 192.168.218.175:5473/,
    ...byForeign,
    neighbour: denying(tcp(5473)),
  },
  {
    name: 'a family of node addresses missing',
    change: withoutV6,
    flow: /^node .* -> node .*/,
    ...byGate,
    remedy: /calico-fw-nodes/,
    neighbour: netsOf(names.nodesSet, (nets) => [...nets.filter((net) => !net.includes(':')), 'fd00:da::/64']),
  },
  {
    name: 'a node missing',
    change: netsOf(names.nodesSet, (nets) => nets.filter((net) => net !== `${at.ws3}/32`)),
    flow: /^node ws3.* -> node|^a pod on ws3.* -> node|^API server|^node ws3/,
    ...byGate,
    remedy: /calico-fw-nodes|extraFailsafePorts/,
    neighbour: netsOf(names.nodesSet, (nets) => [...nets.filter((net) => net !== `${at.ws3}/32`), '192.168.218.176/30']),
  },
  {
    name: 'nodes known by a HostEndpoint’s label alone: the partition of a rollout',
    change: baseRulesOf((rules) =>
      rules
        .filter(({ source }) => !source?.services)
        .map((rule) => (isNodesRule(rule.source?.selector) ? { ...rule, source: { selector: "node-endpoint == 'home'" } } : rule)),
    ),
    flow: /^(node|a pod on|API server)/,
    ...byGate,
    remedy: /./,
    state: /^after batch 1/,
    neighbour: baseRulesOf((rules) => [...rules, { action: 'Allow', source: { selector: "node-endpoint == 'home'" } }]),
  },
  {
    name: 'a nodes rule that does not render (notNets with a /0)',
    change: nodesRule({ notNets: ['0.0.0.0/0', '::/0'] }),
    flow: /^node/,
    ...byGate,
    remedy: /calico-fw-nodes/,
    neighbour: nodesRule({ notNets: ['198.51.100.0/24', '2001:db8::/32'] }),
  },
  {
    name: 'pods’ networks dropped where no overlay hides them',
    change: withoutPods,
    flow: /^(a pod on|node) .* -> (a pod on|node)/,
    ...byGate,
    remedy: /calico-fw-trusted/,
    neighbour: and(pool({ vxlanMode: 'Always' }), withoutPods),
  },
  { name: 'the kubelet’s port', change: denying(tcp(10250)), flow: /kubelet of .* \(10250\/tcp\)/, ...byForeign, neighbour: denying(tcp(10251)) },
  {
    name: 'a webhook’s port',
    change: denying(tcp(8443)),
    flow: /^API server on .* -> ValidatingWebhookConfiguration guard/,
    ...byForeign,
    neighbour: denying(tcp(8444)),
  },
  {
    name: 'an aggregated API’s port',
    change: denying(tcp(4443)),
    flow: /^API server on .* -> APIService v1beta1.metrics/,
    ...byForeign,
    neighbour: denying(tcp(4444)),
  },
  { name: 'DNS over TCP', change: denying(tcp(53)), flow: /-> DNS at 10.233.0.3:53\/tcp/, ...byForeign, neighbour: denying(tcp(5353)) },
  { name: 'DNS over UDP', change: denying(udp(53)), flow: /-> DNS at 10.233.0.3:53\/udp/, ...byForeign, neighbour: denying(udp(5353)) },
  { name: 'VXLAN', change: denying(udp(4789)), flow: /VXLAN/, ...byForeign, neighbour: denying(udp(4790)) },
  { name: 'WireGuard', change: denying(udp(51820)), flow: /WireGuard/, ...byForeign, neighbour: denying(udp(51822)) },
  { name: 'IPIP', change: denying({ protocol: 4 }), flow: /IPIP/, ...byForeign, neighbour: denying({ protocol: 47 }) },
  { name: 'VRRP', change: denying({ protocol: 112 }), flow: /VRRP/, ...byForeign, neighbour: denying({ protocol: 113 }) },
  { name: 'MetalLB’s members', change: denying(udp(7946)), flow: /7946\/udp/, ...byForeign, neighbour: denying(udp(7947)) },
  {
    name: 'etcd’s peers, and no failsafe',
    change: and(lacking(2380), denying(tcp(2380))),
    flow: /etcd’s peer/,
    ...byForeign,
    neighbour: denying(tcp(2380)),
  },
  {
    name: 'etcd’s clients, and no failsafe',
    change: and(lacking(2379), denying(tcp(2379))),
    flow: /etcd \(2379/,
    ...byForeign,
    neighbour: denying(tcp(2379)),
  },
  { name: 'BGP, and no failsafe', change: and(lacking(179), denying(tcp(179))), flow: /BGP/, ...byForeign, neighbour: denying(tcp(179)) },
  {
    name: 'IPv6 neighbours: no rule lets ICMPv6 in',
    change: withoutRule('ICMPv6'),
    flow: /^a neighbour \(fe80::1\) -> node .* ICMPv6/,
    ...byGate,
    remedy: /^allow ICMPv6/,
    neighbour: withoutRule('ICMP'),
  },
  {
    name: 'neighbour solicitations among nodes',
    change: denying({ protocol: 'ICMPv6', icmp: { type: 135 } }),
    flow: /neighbour/,
    ...byForeign,
    neighbour: denying({ protocol: 'ICMPv6', icmp: { type: 128 } }),
  },
  {
    name: 'DHCPv6: its replies come from link-local addresses',
    change: baseRulesOf((rules) => rules.filter(({ destination }) => destination?.ports?.[0] !== 546)),
    flow: /DHCPv6/,
    ...byGate,
    remedy: /^allow UDP 546/,
    neighbour: baseRulesOf((rules) =>
      rules.map((rule) => (rule.destination?.ports?.[0] === 546 ? { ...rule, destination: { ports: [546] } } : rule)),
    ),
  },
  {
    name: 'egress without a profile',
    change: hostEndpointsOf(({ profiles: _, ...spec }) => spec),
    flow: /^node/,
    rule: /no policy decides .* it has no profile: Calico drops/,
    remedy: /^give the HostEndpoints of .* profiles: \[projectcalico-default-allow\]/,
    neighbour: hostEndpointsOf((spec) => ({ ...spec, profiles: ['other', names.defaultAllowProfile] })),
  },
  {
    name: 'a misspelt profile',
    change: hostEndpointsOf((spec) => ({ ...spec, profiles: ['projectcalico-default-alow'] })),
    flow: /^node/,
    rule: /projectcalico-default-alow\) allows: Calico drops/,
    remedy: /^give the HostEndpoints/,
    neighbour: asIs,
  },
  {
    name: 'a policy whose missing types take egress too',
    change: foreign({ types: [], preDNAT: false, applyOnForward: false, ingress: [{ action: 'Allow' }] }),
    flow: /^node .* -> /,
    rule: /no rule of tier default matches/,
    remedy: /./,
    neighbour: foreign({ types: ['Ingress'], preDNAT: false, applyOnForward: false, ingress: [{ action: 'Allow' }] }),
  },
  {
    name: 'egress narrowed to HTTPS: names over TCP and the time',
    change: foreign({
      types: ['Egress'],
      preDNAT: false,
      applyOnForward: false,
      egress: [
        { action: 'Allow', ...tcp(443) },
        { action: 'Allow', destination: { nets: ['192.168.0.0/16', '10.0.0.0/8', 'fd00::/8', 'ff02::/16'] } },
        { action: 'Deny' },
      ],
    }),
    flow: /^node .* -> a (resolver outside \(53\/tcp\)|time server)/,
    rule: /foreign egress\[2\]: Deny/,
    remedy: /^kubectl edit globalnetworkpolicy foreign/,
    neighbour: foreign({ types: ['Egress'], preDNAT: false, applyOnForward: false, egress: [{ action: 'Allow' }] }),
  },
  {
    name: 'a foreign Deny of lower order',
    change: denying({}),
    flow: /./,
    ...byForeign,
    neighbour: foreign({ selector: "projectcalico.org/namespace == 'web'", ingress: [{ action: 'Deny' }] }),
  },
  {
    name: 'a foreign Deny of all()',
    change: foreign({ selector: 'all()', ingress: [{ action: 'Deny' }] }),
    flow: /./,
    ...byForeign,
    neighbour: foreign({ selector: 'all() && !has(calico-fw.github.io/run)', ingress: [{ action: 'Deny' }] }),
  },
  {
    name: 'a foreign tier that drops at its end',
    change: and(
      foreign({ tier: 'strict', preDNAT: false, applyOnForward: false, types: ['Egress'], egress: [{ action: 'Pass', ...tcp(443) }] }),
      ({ facts, plan }) => ({
        facts: {
          ...facts,
          tiers: [
            ...facts.tiers,
            { apiVersion: 'projectcalico.org/v3', kind: 'Tier', metadata: { name: 'strict' }, spec: { order: 5, defaultAction: 'Deny' } },
          ],
        },
        plan,
      }),
    ),
    flow: /^node/,
    rule: /no rule of tier strict matches/,
    remedy: /./,
    neighbour: and(
      foreign({ tier: 'lax', preDNAT: false, applyOnForward: false, types: ['Egress'], egress: [{ action: 'Pass', ...tcp(443) }] }),
      ({ facts, plan }) => ({
        facts: {
          ...facts,
          tiers: [
            ...facts.tiers,
            { apiVersion: 'projectcalico.org/v3', kind: 'Tier', metadata: { name: 'lax' }, spec: { order: 5, defaultAction: 'Pass' } },
          ],
        },
        plan,
      }),
    ),
  },
  {
    name: 'untracked ingress whose answers nothing lets out',
    change: foreign({ preDNAT: false, doNotTrack: true, ingress: [{ action: 'Allow', ...tcp(10250) }] }),
    flow: /kubelet/,
    rule: /untracked it is INVALID: Calico drops/,
    remedy: /./,
    neighbour: foreign({ preDNAT: false, doNotTrack: true, ingress: [{ action: 'Allow', protocol: 113 }] }),
  },
  {
    name: 'the operator’s SSH: no failsafe, and nobody trusts that machine',
    change: lacking(22),
    flow: /^the operator \(192.168.218.170\) -> SSH on/,
    ...byGate,
    remedy: /port: 22\}/,
    neighbour: and(trusting('192.168.218.170/32'), lacking(22)),
  },
  { name: 'the operator’s way to the API', change: and(lacking(6443, 7443)), flow: /^(the operator|Felix)/, rule: /./, remedy: /./, neighbour: asIs },
  {
    name: 'an opening ordered behind the gate',
    change: specOf('calico-fw-allow-ingress', (spec) => ({ ...spec, order: 450 })),
    flow: /^allow entry ingress: /,
    ...byGate,
    remedy: /^look at entry ingress/,
    neighbour: specOf('calico-fw-allow-ingress', (spec) => ({ ...spec, order: 399 })),
  },
  {
    name: 'a balancer let to a NodePort but not to its health check',
    change: balancer(31852),
    flow: /^health check of Service app1\/app1-local: 192.0.2.0 -> .*:32100/,
    ...byGate,
    remedy: /^add 32100 to the ports of entry balancer/,
    neighbour: balancer(31852, 32100),
  },
  {
    name: 'a commit that narrows the nodes set',
    change: finishing((nets) => nets.filter((net) => net !== `${v6Of(at.ws2)}/128`)),
    flow: /ws2/,
    rule: /calico-fw-(gate-1|deny) ingress/,
    remedy: /calico-fw-nodes/,
    state: /^committed, GlobalNetworkSet calico-fw-nodes written/,
    neighbour: finishing((nets) => nets),
  },
  {
    name: 'a Deny ordered before the base',
    change: specOf(names.denyPolicy, (spec) => ({ ...spec, order: 90 })),
    flow: /./,
    rule: /calico-fw-deny ingress\[0\]: Deny/,
    remedy: /./,
    state: /^committed, gate still armed/,
    neighbour: specOf(names.denyPolicy, (spec) => ({ ...spec, order: 600 })),
  },
  {
    name: 'a node that knows others by HostEndpoints that may be deleted before its own',
    change: byTheirEndpoints([{ action: 'Deny', ...tcp(9100), source: { nets: ['192.168.218.175/32', '192.168.218.176/31'] } }]),
    flow: /^node ws[234]\S+ -> node control1/,
    rule: /foreign ingress\[1\]: Deny/,
    remedy: /^kubectl edit globalnetworkpolicy foreign/,
    state: /opened by deleting HostEndpoints/,
    neighbour: byTheirEndpoints([]),
  },
  {
    name: 'an opened NodePort whose pods’ nodes refuse the node it came in by (calico#873)',
    change: and(
      balancer(31110),
      denying({ protocol: 'TCP', source: { nets: [`${at.ws2}/32`] }, destination: { nets: ['10.233.64.0/18'], ports: [80] } }),
    ),
    flow: /^allow entry balancer: 192.0.2.0 -> 192.168.218.175:31110/,
    ...byForeign,
    state: /after batch [23]/,
    neighbour: and(
      balancer(31110),
      denying({ protocol: 'TCP', source: { nets: [`${at.ws2}/32`] }, destination: { nets: ['10.233.64.0/18'], ports: [81] } }),
    ),
  },
  {
    name: 'no failsafes at all, as an environment variable says (calico#13249)',
    change: failsafes([]),
    flow: /^Felix, Typha and API clients -> 192.168.218.171:6443/,
    rule: /6443\/tcp is no inbound failsafe for everyone on control1/,
    remedy: /^add 6443\/tcp, without a net/,
    state: /^before anything closes$/,
    neighbour: failsafes(inbound),
  },
  {
    name: 'HostEndpoint *: it polices loopback (calico#4478, #5572)',
    change: hostEndpointsOf((spec) => ({ ...spec, interfaceName: '*' })),
    flow: /^localhost of every node/,
    rule: /HostEndpoint \* polices loopback/,
    remedy: /^name the network interface/,
    neighbour: asIs,
  },
  {
    name: 'a node’s own address refused to itself under *',
    change: and(
      hostEndpointsOf((spec) => ({ ...spec, interfaceName: '*' })),
      denying({ ...tcp(10250), source: { nets: [`${at.ws1}/32`] } }),
    ),
    flow: /^node ws1\S+ -> itself at 192.168.218.174/,
    ...byForeign,
    neighbour: denying({ ...tcp(10250), source: { nets: ['198.51.100.0/24'] } }),
  },
  {
    name: 'HostEndpoints that expect no address: selectors find nobody (calico#2956, #4721)',
    change: and(
      baseRulesOf((rules) =>
        rules
          .filter(({ source }) => !source?.services)
          .map((rule) => (isNodesRule(rule.source?.selector) ? { ...rule, source: { selector: `has(${keys.run})` } } : rule)),
      ),
      hostEndpointsOf(({ expectedIPs: _, ...spec }) => spec),
    ),
    flow: /^(node|a pod on|API server)/,
    ...byGate,
    remedy: /./,
    neighbour: hostEndpointsOf(({ expectedIPs: _, ...spec }) => spec),
  },
  {
    name: 'a second NIC whose addresses no set holds (calico#4408)',
    change: and(
      cluster(storageNics, (now) => ({ ...now, spec: { ...now.spec, interfaces: [{ nodeSelector: {}, names: ['ens160', 'ens192'], labels: {} }] } })),
      netsOf(names.nodesSet, (nets) => nets.filter((net) => !net.startsWith('10.1.0.'))),
    ),
    flow: /^node .* over ens192/,
    ...byGate,
    remedy: /calico-fw-nodes/,
    neighbour: cluster(storageNics, (now) => ({
      ...now,
      spec: { ...now.spec, interfaces: [{ nodeSelector: {}, names: ['ens160', 'ens192'], labels: {} }] },
    })),
  },
  {
    name: 'a kubelet on another port',
    change: and(kubeletsAt(10350), denying(tcp(10350))),
    flow: /kubelet of .* \(10350\/tcp\)/,
    ...byForeign,
    neighbour: and(kubeletsAt(10350), denying(tcp(10250))),
  },
  {
    name: 'etcd outside the cluster, behind an egress policy',
    change: and(
      etcdAt('198.51.100.40', 2379),
      foreign({ types: ['Egress'], preDNAT: false, applyOnForward: false, egress: [{ action: 'Deny', ...tcp(4001) }, { action: 'Allow' }] }),
      etcdAt('198.51.100.40', 4001),
    ),
    flow: /^API server on .* -> etcd at 198.51.100.40:4001/,
    rule: /foreign egress\[0\]: Deny/,
    remedy: /^kubectl edit globalnetworkpolicy foreign/,
    neighbour: and(
      etcdAt('198.51.100.40', 2379),
      foreign({ types: ['Egress'], preDNAT: false, applyOnForward: false, egress: [{ action: 'Deny', ...tcp(4001) }, { action: 'Allow' }] }),
    ),
  },
  {
    name: 'VXLAN on another port',
    change: and(felix('vxlanPort', '8472'), denying(udp(8472))),
    flow: /VXLAN \(8472\/udp\)/,
    ...byForeign,
    neighbour: and(felix('vxlanPort', '8472'), denying(udp(4789))),
  },
  {
    name: 'keepalived on workers',
    change: and(keepalivedOn('ws3', 'ws4'), denying({ protocol: 112, source: { nets: [`${at.ws3}/32`] } })),
    flow: /^node ws3\S+ -> node ws4\S+, VRRP/,
    ...byForeign,
    neighbour: denying({ protocol: 112, source: { nets: [`${at.ws3}/32`] } }),
  },
  {
    name: 'the time server nodes were seen to ask',
    change: and(
      timeFrom('192.0.2.123'),
      foreign({
        ...{ types: ['Egress'], preDNAT: false, applyOnForward: false },
        egress: [{ action: 'Deny', ...udp(123), destination: { nets: ['192.0.2.0/24'], ports: [123] } }, { action: 'Allow' }],
      }),
    ),
    flow: /-> a time server \(123\/udp\)/,
    rule: /foreign egress\[0\]: Deny/,
    remedy: /^kubectl edit globalnetworkpolicy foreign/,
    neighbour: foreign({
      ...{ types: ['Egress'], preDNAT: false, applyOnForward: false },
      egress: [{ action: 'Deny', ...udp(123), destination: { nets: ['192.0.2.0/24'], ports: [123] } }, { action: 'Allow' }],
    }),
  },
  {
    name: 'pods kept from the API by forward policy',
    change: foreign({ preDNAT: false, types: ['Egress'], egress: [{ action: 'Deny', ...tcp(6443) }, { action: 'Allow' }] }),
    flow: /^a pod on .* -> API at/,
    rule: /foreign egress\[0\]: Deny/,
    remedy: /^kubectl edit globalnetworkpolicy foreign/,
    neighbour: foreign({ preDNAT: false, applyOnForward: false, types: ['Egress'], egress: [{ action: 'Deny', ...tcp(6443) }, { action: 'Allow' }] }),
  },
]

const given: Case = (() => {
  const facts = richFacts()
  return { facts, plan: richPlan(facts) }
})()

describe('a cluster with everything in it', () => {
  it('passes, with nothing undecided', () => {
    const { refusals, undecided, scope } = provePlan(given)
    expect(refusals).toEqual([])
    expect(undecided).toEqual([])
    expect(scope.lifeLines).toBeGreaterThan(500)
  })
})

describe('a planted lock-out is refused, by flow, state, rule and remedy', () => {
  it.each(table)('$name', ({ change, flow, rule, remedy, state }) => {
    const { refusals } = provePlan(change(given))
    const found = refusals.find((one) => flow.test(one.flow) && rule.test(one.rule) && remedy.test(one.remedy) && (state?.test(one.state) ?? true))
    expect(found ?? refusals.slice(0, 3)).toMatchObject({ flow: expect.stringMatching(flow), rule: expect.stringMatching(rule) })
    expect(found?.why).not.toBe('')
  })
})

describe('its harmless neighbour passes', () => {
  it.each(table)('$name', ({ neighbour }) => {
    expect(provePlan(neighbour(given)).refusals).toEqual([])
  })
})
