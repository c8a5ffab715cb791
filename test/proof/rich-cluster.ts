import { keys, names } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { FailsafePort, GlobalNetworkPolicy, HostEndpoint, NetworkSet, PolicySpec, Rule } from '../../src/calico/shapes.ts'
import type { Components } from '../../src/firewall/facts/components.ts'
import type { Facts, NodeFacts, ServiceFacts } from '../../src/firewall/facts/facts.ts'
import type { HostFirewall } from '../../src/firewall/file/host-firewall.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { type Address, addressOf, numberOf, parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeAddresses as at, homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homeFirewall } from './home-plan.ts'

/** The IPv6 address of a node: fd00:da::<last octet>. */
export const v6Of = (address: Address): Address => addressOf(6, numberOf(parseAddress('fd00:da::')) + (numberOf(address) & 255n))

const dual = (node: NodeFacts): NodeFacts => {
  const six = node.addresses.map(({ type, address }) => ({ type, address: v6Of(address) }))
  return {
    ...node,
    controlPlane: node.controlPlane || node.name === nodeName('ws1'),
    addresses: [...node.addresses, ...six],
    interfaces: node.interfaces.map((nic) => ({ ...nic, addresses: [...nic.addresses, ...six.map(({ address }) => address)] })),
  }
}

const service = (namespace: string, name: string, clusterIP: string, more: Partial<ServiceFacts>): ServiceFacts => ({
  ...{ namespace, name, type: 'ClusterIP', clusterIPs: [parseAddress(clusterIP)], externalIPs: [], loadBalancerIPs: [] },
  ...{ externalTrafficPolicy: 'Cluster', ports: [], endpoints: [] },
  ...more,
})

const onPods = (last: number, ports: readonly { name: string; port: number }[]) =>
  [3, 4].map((index) => ({ address: parseAddress(`10.233.${64 + index}.${last}`), node: nodeName(`ws${index}`), ports }))

const extra: readonly ServiceFacts[] = [
  service('kube-system', 'coredns', '10.233.0.3', {
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53 },
      { name: 'dns-tcp', protocol: 'TCP', port: 53 },
    ],
    endpoints: onPods(53, [
      { name: 'dns', port: 53 },
      { name: 'dns-tcp', port: 53 },
    ]),
  }),
  service('guard', 'guard', '10.233.0.10', {
    ports: [{ name: 'https', protocol: 'TCP', port: 443 }],
    endpoints: onPods(10, [{ name: 'https', port: 8443 }]),
  }),
  service('metrics', 'metrics', '10.233.0.11', {
    ports: [{ name: 'https', protocol: 'TCP', port: 443 }],
    endpoints: onPods(11, [{ name: 'https', port: 4443 }]),
  }),
  service('calico-system', 'calico-typha', '10.233.0.12', {
    ports: [{ name: 'calico-typha', protocol: 'TCP', port: 5473 }],
    endpoints: [{ address: at.ws2, node: nodeName('ws2'), ports: [{ name: 'calico-typha', port: 5473 }] }],
  }),
]

/** The home cluster with a second control-plane node, IPv6, DNS, a webhook, an aggregated API, Typha, and a balancer's health check. */
export const richFacts = (): Facts => {
  const home = homeFacts()
  return {
    ...home,
    nodes: home.nodes.map(dual),
    services: [...home.services.map((one) => (one.name === 'app1-local' ? { ...one, healthCheckNodePort: 32100 } : one)), ...extra],
    callees: [
      { caller: 'ValidatingWebhookConfiguration guard', namespace: 'guard', service: 'guard', port: 443 },
      { caller: 'APIService v1beta1.metrics.k8s.io', namespace: 'metrics', service: 'metrics', port: 443 },
    ],
  }
}

/** A plan for it. */
export const richPlan = (facts: Facts, firewall: HostFirewall = homeFirewall): Plan => makePlan({ firewall, facts, change: 1, windowSeconds: 90 })

/** A cluster and what is about to be done to it. */
export interface Case {
  readonly facts: Facts
  readonly plan: Plan
}
/** Something done to a case. */
export type Change = (given: Case) => Case

/** Both, one after the other. */
export const and =
  (...changes: readonly Change[]): Change =>
  (given) =>
    changes.reduce((now, change) => change(now), given)

/** A policy somebody else wrote, selecting our HostEndpoints, before ours. */
export const foreign =
  (spec: Partial<PolicySpec>): Change =>
  ({ facts, plan }) => {
    const policy: GlobalNetworkPolicy = {
      apiVersion: v3,
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'foreign' },
      spec: { order: 10, selector: `has(${keys.run})`, types: ['Ingress'], preDNAT: true, applyOnForward: true, ...spec },
    }
    return { facts: { ...facts, policies: [...facts.policies, policy] }, plan }
  }

/** A foreign Deny in preDNAT. */
export const denying = (rule: Omit<Rule, 'action'>): Change => foreign({ ingress: [{ action: 'Deny', ...rule }] })

const edited = (objects: readonly KubeObject[], name: string, kind: string, edit: (object: KubeObject) => KubeObject): KubeObject[] =>
  objects.map((object) => (object.kind === kind && object.metadata.name === name ? edit(object) : object))

/** Other nets in one of our sets. */
export const netsOf =
  (name: string, edit: (nets: readonly string[]) => readonly string[]): Change =>
  ({ facts, plan }) => {
    const change = (object: KubeObject) => ({ ...object, spec: { nets: edit((object as NetworkSet).spec.nets ?? []) } })
    return { facts, plan: { ...plan, sets: edited(plan.sets, name, 'GlobalNetworkSet', change) } }
  }

/** Another spec in one of our policies. */
export const specOf =
  (name: string, edit: (spec: PolicySpec) => PolicySpec): Change =>
  ({ facts, plan }) => {
    const change = (object: KubeObject) => ({ ...object, spec: edit((object as GlobalNetworkPolicy).spec) })
    return {
      facts,
      plan: {
        ...plan,
        policies: edited(plan.policies, name, 'GlobalNetworkPolicy', change),
        deny: edited([plan.deny], name, 'GlobalNetworkPolicy', change)[0] ?? plan.deny,
      },
    }
  }

/** Other rules in the base policy. */
export const baseRulesOf = (edit: (rules: readonly Rule[]) => readonly Rule[]): Change =>
  specOf(names.basePolicy, (spec) => ({ ...spec, ingress: edit(spec.ingress ?? []) }))

/** Another spec in every HostEndpoint of the plan. */
export const hostEndpointsOf =
  (edit: (spec: HostEndpoint['spec']) => HostEndpoint['spec']): Change =>
  ({ facts, plan }) => ({
    facts,
    plan: {
      ...plan,
      batches: plan.batches.map((batch) => ({
        ...batch,
        hostEndpoints: batch.hostEndpoints.map((object) => ({ ...object, spec: edit((object as HostEndpoint).spec) })),
      })),
    },
  })

/** Failsafes in force on every node that this plan cannot change. */
export const failsafes =
  (inbound: readonly FailsafePort[]): Change =>
  ({ facts, plan }) => ({
    facts: {
      ...facts,
      failsafes: Object.fromEntries(
        Object.entries(facts.failsafes).map(([node, lists]) => [
          node,
          { ...lists, inbound: { ports: inbound, source: { kind: 'environment' as const, variable: 'FELIX_FAILSAFEINBOUNDHOSTPORTS' } } },
        ]),
      ),
    },
    plan,
  })

/** Facts that differ, and the plan made for them. */
export const cluster =
  (edit: (facts: Facts) => Facts, firewall: (now: HostFirewall) => HostFirewall = (now) => now): Change =>
  ({ facts }) => {
    const changed = edit(facts)
    return { facts: changed, plan: richPlan(changed, firewall(homeFirewall)) }
  }

/** The pod pool with other ways across the nodes' network. */
export const pool = (more: Partial<NonNullable<Facts['ipPools']>[number]>): Change =>
  cluster((facts) => ({
    ...facts,
    ipPools: [{ cidr: parseCidr('10.233.64.0/18'), natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never', ...more }],
  }))

/** What a cluster tells of itself where there is nothing to tell. */
export const quietComponents: Components = {
  distribution: { name: 'kubeadm', source: 'test' },
  calicoOwner: { name: 'operator', source: 'test' },
  felixSettings: [{ name: 'defaultEndpointToHostAction', value: 'ACCEPT', source: 'test' }],
  bgp: { port: 179, mesh: true, peers: [] },
  programs: [],
  timeServers: [],
  unavailableApis: [],
  operator: { via: 'direct', confirmed: [], looked: false },
}
