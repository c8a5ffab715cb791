/** What random objects and real packets taught the model; each of these it once said otherwise. The rules meant are those of Felix 3.32.1. */
import { describe, expect, it } from 'vitest'
import type { PolicySpec, Rule } from '../../src/calico/shapes.ts'
import type { ServiceFacts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { homeAddresses as at, nodeName, podOf } from '../fixtures/home-facts.ts'
import { action, bare, facts, hostEndpoint, ingress, onAll, policy, tcp } from './world-builder.ts'

const [control1, ws1, ws2] = facts.nodes
const endpointOf = (node: typeof ws1, more: object = {}) => (node === undefined ? [] : [hostEndpoint(node, { fw: '1' }, more)])
const egress = (rules: readonly Rule[], more: Partial<PolicySpec> = {}) =>
  policy('egress', { order: 1, selector: 'has(fw)', types: ['Egress'], egress: rules, ...more })
const untracked = (spec: Partial<PolicySpec>) =>
  policy('untracked', {
    ...{ order: 1, selector: 'has(fw)', doNotTrack: true, applyOnForward: true },
    types: [...(spec.ingress === undefined ? [] : ['Ingress' as const]), ...(spec.egress === undefined ? [] : ['Egress' as const])],
    ...spec,
  })
const deny: Rule = { action: 'Deny' }
const allow: Rule = { action: 'Allow' }

const service = (name: string, more: Partial<ServiceFacts>): ServiceFacts => ({
  ...{ namespace: 'test', name, type: 'NodePort', externalIPs: [], loadBalancerIPs: [], externalTrafficPolicy: 'Cluster' },
  clusterIPs: [parseAddress('10.233.20.1')],
  ports: [{ protocol: 'TCP', port: 80, nodePort: 30_100 }],
  endpoints: [],
  ...more,
})
const onPod = (index: number): ServiceFacts['endpoints'] => [{ address: podOf(index), node: facts.nodes[index]?.name ?? '', ports: [{ port: 80 }] }]
const clusterCidrs = bare.podCidrs
const world = (more: Partial<World>): World => ({ ...bare, clusterCidrs, ...more })
const fromOutside = (port: number, destination: string = at.ws1) => tcp(at.windowsClient, destination, port)

describe('a Service nobody serves', () => {
  const empty = service('empty', {})
  const served = (more: Partial<World>) => world({ services: [...bare.services, empty], ...more })
  it('is refused by kube-proxy, but not where Calico accepts the packet before: both write the same filter table', () => {
    expect(action(served({}), fromOutside(30_100))).toBe('deny')
    expect(action(served({ hostEndpoints: onAll() }), fromOutside(30_100))).toBe('allow')
    expect(action(served({ hostEndpoints: onAll(), dataplane: 'nftables' }), fromOutside(30_100))).toBe('deny')
    expect(action(served({ hostEndpoints: onAll(), proxyMode: 'nftables' }), fromOutside(30_100))).toBe('deny')
  })
  it('leads a pod to its own node, whose INPUT lets pods in first', () => {
    expect(action(served({}), tcp(podOf(1), at.ws1, 30_100))).toBe('allow')
  })
})

describe('a masqueraded packet', () => {
  const fromHighPorts = ingress('high', 1, [{ action: 'Allow', protocol: 'TCP', source: { ports: ['32768:60999'] } }, deny])
  it('comes from a port picked at random, so that a rule about it may match or not', () => {
    const there = world({ policies: [fromHighPorts], hostEndpoints: endpointOf(ws2) })
    const toPod2 = world({ ...there, services: [service('np', { endpoints: onPod(2) })] })
    expect(action(toPod2, { ...fromOutside(30_100), sourcePort: 40_000 })).toBe('unknown')
    expect(action(there, { ...tcp(at.windowsClient, at.ws2, 9100), sourcePort: 40_000 })).toBe('allow')
  })
  it('is masqueraded after DNAT too: a pod that calls a ClusterIP of a node’s own process shows its node', () => {
    const onHost = service('host', { type: 'ClusterIP', endpoints: [{ address: at.ws2, node: nodeName('ws2'), ports: [{ port: 9100 }] }] })
    const onlyNode = ingress('node', 1, [{ action: 'Allow', source: { nets: [`${at.ws1}/32`] } }, deny])
    const closed = world({ services: [onHost], policies: [onlyNode], hostEndpoints: endpointOf(ws2), ipPools: facts.ipPools ?? [] })
    const pools = [{ cidr: bare.podCidrs[0] as never, natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never' } as const]
    expect(action({ ...closed, ipPools: pools }, tcp(podOf(1), '10.233.20.1', 80))).toBe('allow')
  })
})

describe('HostEndpoint * and pods', () => {
  it('apply-on-forward egress policy meets what is forwarded to a pod of the node', () => {
    const star = world({ hostEndpoints: endpointOf(ws1, { interfaceName: '*' }), policies: [egress([deny], { applyOnForward: true })] })
    expect(action(star, tcp(podOf(2), podOf(1), 80))).toBe('deny')
    expect(action({ ...star, hostEndpoints: endpointOf(ws1) }, tcp(podOf(2), podOf(1), 80)), 'a named one').toBe('allow')
  })
  it('a pod may send no tunnel packets', () => {
    const vxlan: Connection = { source: podOf(1), destination: at.windowsClient, protocol: 'UDP', port: 4789 }
    expect(action(bare, vxlan)).toBe('deny')
    expect(action(bare, { source: podOf(1), destination: at.windowsClient, protocol: 4 })).toBe('deny')
  })
})

describe('a NodePort that leads to another node', () => {
  const there = (more: Partial<World>) =>
    world({ services: [service('np', { endpoints: onPod(2) })], hostEndpoints: endpointOf(ws1, { profiles: [] }), ...more })
  const forwardIngress = policy('aof', { order: 1, selector: 'has(fw)', types: ['Ingress'], applyOnForward: true, ingress: [allow] })
  it('meets normal egress policy of the node it passes, where apply-on-forward policy governs only ingress and kube-proxy accepts first', () => {
    expect(action(there({}), fromOutside(30_100)), 'no apply-on-forward policy: marked by default').toBe('allow')
    expect(action(there({ policies: [forwardIngress] }), fromOutside(30_100)), 'no profile allows egress').toBe('deny')
    expect(action(there({ policies: [forwardIngress], proxyMode: 'nftables' }), fromOutside(30_100))).toBe('allow')
    expect(action(there({ policies: [forwardIngress], dataplane: 'nftables' }), fromOutside(30_100))).toBe('allow')
  })
})

describe('doNotTrack', () => {
  it('egress policy never meets what is forwarded, and ingress policy meets its answers', () => {
    const through = (spec: Partial<PolicySpec>) =>
      action(world({ policies: [untracked(spec)], hostEndpoints: endpointOf(ws1) }), { ...tcp(at.windowsClient, podOf(2), 80), via: nodeName('ws1') })
    expect(through({ egress: [deny] })).toBe('allow')
    expect(through({ ingress: [{ ...deny, source: { nets: [`${podOf(2)}/32`] } }] })).toBe('deny')
  })
  it('takes an answer out of tracking, and its translation stays', () => {
    const accepts = untracked({ ingress: [{ action: 'Allow', source: { nets: [`${podOf(2)}/32`] } }] })
    const closed = world({ services: [service('np', { endpoints: onPod(2) })], policies: [accepts], hostEndpoints: endpointOf(ws1) })
    expect(action(closed, fromOutside(30_100))).toBe('deny')
  })
  it('sees the ClusterIP a process dials, not the endpoint', () => {
    const closed = (net: string) =>
      world({
        services: [service('svc', { endpoints: onPod(2) })],
        policies: [untracked({ egress: [{ ...deny, destination: { nets: [net] } }] })],
        hostEndpoints: endpointOf(ws1),
      })
    expect(action(closed('10.233.20.1/32'), tcp(at.ws1, '10.233.20.1', 80))).toBe('deny')
    expect(action(closed(`${podOf(2)}/32`), tcp(at.ws1, '10.233.20.1', 80))).toBe('allow')
  })
  it('over nftables an unknown answer leaves, for OUTPUT asks ct status first; over iptables it is INVALID', () => {
    const accepts = world({ policies: [untracked({ ingress: [allow] })], hostEndpoints: endpointOf(ws1) })
    expect(action(accepts, fromOutside(9100))).toBe('deny')
    expect(action({ ...accepts, dataplane: 'nftables' }, fromOutside(9100))).toBe('allow')
  })
  it('an untracked answer over UDP is a new packet of the node', () => {
    const accepts = (rules: readonly Rule[]) => world({ policies: [untracked({ ingress: [allow] }), egress(rules)], hostEndpoints: endpointOf(ws1) })
    const datagram: Connection = { source: at.windowsClient, destination: at.ws1, protocol: 'UDP', port: 9100, sourcePort: 40_000 }
    expect(action(accepts([allow]), datagram)).toBe('allow')
    expect(action(accepts([deny]), datagram)).toBe('deny')
  })
})

describe('Felix over nftables', () => {
  it('judges translated packets of a process in OUTPUT too, those for pods of its own node included', () => {
    const bareEndpoint = endpointOf(ws1, { profiles: [] })
    const closed = world({ services: [service('svc', { endpoints: onPod(1) })], hostEndpoints: bareEndpoint })
    expect(action(closed, tcp(at.ws1, '10.233.20.1', 80))).toBe('allow')
    expect(action({ ...closed, dataplane: 'nftables' }, tcp(at.ws1, '10.233.20.1', 80))).toBe('deny')
    expect(action({ ...closed, dataplane: 'nftables' }, tcp(at.ws1, podOf(1), 80)), 'dialled itself').toBe('allow')
  })
  it('cannot program an ICMP type with a code, and then programs nothing', () => {
    const coded = world({
      policies: [ingress('coded', 1, [{ action: 'Deny', protocol: 'ICMP', icmp: { type: 8, code: 0 } }])],
      hostEndpoints: onAll(),
    })
    expect(action(coded, fromOutside(9100))).toBe('allow')
    expect(action({ ...coded, dataplane: 'nftables' }, fromOutside(9100))).toBe('unknown')
  })
})

describe('a Service as a rule’s destination', () => {
  it('is its endpoints’ ports in its own protocol', () => {
    const onHost = service('host', { type: 'ClusterIP', endpoints: [{ address: at.ws2, node: nodeName('ws2'), ports: [{ port: 9100 }] }] })
    const only = egress([{ action: 'Allow', destination: { services: { name: 'host', namespace: 'test' } } }])
    const closed = world({ services: [onHost], policies: [only], hostEndpoints: endpointOf(ws1) })
    expect(action(closed, tcp(at.ws1, at.ws2, 9100))).toBe('allow')
    expect(action(closed, { source: at.ws1, destination: at.ws2, protocol: 'UDPLite', port: 9100 })).toBe('deny')
  })
})

describe('a rule with three long lists', () => {
  const manyPorts = Array.from({ length: 16 }, (_, index) => 9100 + 10 * index)
  const rule = (ports: readonly number[]): Rule => ({
    ...{ action: 'Allow', protocol: 'TCP' },
    source: { nets: [`${at.windowsClient}/32`, `${at.operator}/32`] },
    destination: { nets: [`${at.ws2}/32`, `${control1?.addresses[0]?.address}/32`], ports },
  })
  const closed = (ports: readonly number[]) => world({ policies: [ingress('long', 1, [rule(ports), deny])], hostEndpoints: onAll() })
  it('counts only the first two of them: Felix never clears the bit between', () => {
    expect(action(closed(manyPorts), fromOutside(9100, at.ws1)), 'a destination it does not name').toBe('allow')
    expect(action(closed(manyPorts), tcp(at.outsider, at.ws2, 9100)), 'a source it does not name').toBe('deny')
    expect(action(closed(manyPorts), fromOutside(9101, at.ws2)), 'a port it does not name').toBe('deny')
  })
  it('is as written with fewer ports, which need no block', () => {
    expect(action(closed(manyPorts.slice(1)), fromOutside(9110, at.ws1))).toBe('deny')
    expect(action(closed(manyPorts.slice(1)), fromOutside(9110, at.ws2))).toBe('allow')
  })
})
