import { describe, expect, it } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import type { World } from '../../src/verdict/model.ts'
import { homeAddresses as at, podOf } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { action, bare, facts, gateSelector, globalSet, hostEndpoint, ingress, namespacedSet, onAll, policy, tcp } from './world-builder.ts'

const kubelet = (source: string, destination: string) => tcp(source, destination, 10250)
const nodesAllowed = { action: 'Allow', source: { selector: `${keys.set} == 'nodes'`, namespaceSelector: 'global()' } } as const
const nodesSet = globalSet(
  'nodes',
  { [keys.set]: 'nodes' },
  facts.nodes.flatMap(({ addresses }) => addresses.map(({ address }) => `${address}/32`)),
)

describe('egress', () => {
  const [, , ws2] = facts.nodes
  const only = (more: object): World => ({
    ...bare,
    policies: [policy('in', { order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: [{ action: 'Allow' }] })],
    hostEndpoints: ws2 === undefined ? [] : [hostEndpoint(ws2, { fw: '1' }, more)],
  })

  it('of a node is cut by an ingress-only policy on a HostEndpoint without profile, but for failsafes', () => {
    expect(action(only({ profiles: [] }), tcp(at.ws2, at.control1, 23))).toBe('deny')
    expect(action(only({ profiles: [] }), tcp(at.ws2, at.control1, 6443))).toBe('allow')
  })
  it('is cut by a misspelt profile too', () => {
    expect(action(only({ profiles: ['projectcalico-defualt-allow'] }), tcp(at.ws2, at.control1, 23))).toBe('deny')
  })
  it('stays with the built-in profile', () => {
    expect(action(only({}), tcp(at.ws2, at.control1, 23))).toBe('allow')
  })
  it('is cut by a policy whose types are missing, as Felix takes them for both directions', () => {
    const world = { ...only({}), policies: [policy('in', { order: 1, selector: 'has(fw)', ingress: [{ action: 'Allow' }] })] }
    expect(action(world, tcp(at.ws2, at.control1, 23))).toBe('deny')
  })
  it('to a ClusterIP is judged by the endpoint’s port', () => {
    const world = only({ profiles: [] })
    expect(action(world, tcp(at.ws2, '10.233.0.1', 443))).toBe('allow')
    expect(action(world, tcp(at.ws2, '10.233.11.10', 80))).toBe('unknown')
  })
})

describe('a HostEndpoint nothing selects', () => {
  const world = { ...bare, hostEndpoints: onAll({}) }
  it.each([22, 10250, 9100, 31110, 31852])('with the built-in profile is inert for port %i', (port) => {
    for (const source of [at.windowsClient, at.ws1, podOf(1)]) expect(action(world, tcp(source, at.ws2, port))).toBe('allow')
  })
  it('hands localhost services to the LAN: Calico accepts martians before KUBE-FIREWALL drops them', () => {
    const martian = tcp(at.windowsClient, '127.0.0.1', 10257)
    expect(action(bare, martian)).toBe('deny')
    expect(action(world, martian)).toBe('allow')
    const guarded = { ...bare, hostEndpoints: onAll(), policies: [ingress('base', 1, [{ action: 'Deny', destination: { nets: ['127.0.0.0/8'] } }])] }
    expect(action(guarded, martian)).toBe('deny')
    expect(action(guarded, { ...martian, port: 2379 }), 'a failsafe comes before any Deny').toBe('allow')
    expect(
      action(world, { ...martian, source: parseAddress('2001:db8::1'), destination: parseAddress('::1') }),
      'no kernel takes ::1 from a wire',
    ).toBe('deny')
  })
})

describe('a node-by-node rollout', () => {
  const partial = (hostEndpoints: World['hostEndpoints']): World => ({ ...bare, policies: tutorialPolicies, hostEndpoints })
  const ws2Only = partial(tutorialHostEndpoints(facts.nodes).slice(2))
  const cut = [kubelet(at.ws1, at.ws2), kubelet(at.control1, at.ws2), tcp(at.ws1, podOf(2), 80), kubelet(podOf(1), at.ws2)]

  it.each(cut)('with nodes known by HostEndpoint label cuts $source -> $destination', (connection) => {
    expect(action(ws2Only, connection)).toBe('deny')
    expect(action(partial(tutorialHostEndpoints(facts.nodes)), connection)).toBe('allow')
  })
  it.each(cut)('with nodes known by address keeps $source -> $destination', (connection) => {
    const policies = [ingress('base', 1, [nodesAllowed, { action: 'Deny' }])]
    const world = { ...bare, policies, networkSets: [nodesSet], hostEndpoints: onAll().slice(2) }
    expect(action(world, connection)).toBe('allow')
    expect(action(world, kubelet(at.windowsClient, at.ws2))).toBe('deny')
  })
})

describe('a tenant’s NetworkSet', () => {
  const spoofed = namespacedSet('tenant', { [keys.set]: 'nodes' })
  const world = (source: object): World => ({
    ...bare,
    policies: [ingress('base', 1, [{ action: 'Allow', source: { selector: `${keys.set} == 'nodes'`, ...source } }, { action: 'Deny' }])],
    networkSets: [nodesSet, spoofed],
    hostEndpoints: onAll(),
  })
  it('with a borrowed label opens the cluster', () => {
    expect(action(world({}), kubelet(at.outsider, at.ws1))).toBe('allow')
  })
  it('does not where the rule wants global()', () => {
    expect(action(world({ namespaceSelector: 'global()' }), kubelet(at.outsider, at.ws1))).toBe('deny')
    expect(action(world({ namespaceSelector: 'global()' }), kubelet(at.ws2, at.ws1))).toBe('allow')
  })
})

describe('the gate', () => {
  const gate = (source: object) => [ingress('allow', 1, [{ ...nodesAllowed }]), ingress('gate', 2, [{ action: 'Deny', source }])]
  const armed = namespacedSet('calico-fw', { [keys.gate]: '1' })
  const world = (source: object, sets: World['networkSets']): World => ({
    ...bare,
    policies: gate(source),
    networkSets: [nodesSet, ...sets],
    hostEndpoints: onAll(),
  })
  const ours = { selector: gateSelector }

  it('closes while its set is there and opens when it goes', () => {
    expect(action(world(ours, [armed]), kubelet(at.windowsClient, at.ws1))).toBe('deny')
    expect(action(world(ours, []), kubelet(at.windowsClient, at.ws1))).toBe('allow')
    expect(action(world(ours, [armed]), kubelet(at.ws2, at.ws1))).toBe('allow')
  })
  it('is armed by a tenant who forges pcns. labels where it uses a namespaceSelector, and not where it uses Calico’s own label', () => {
    const forged = namespacedSet('tenant', {
      [keys.gate]: '1',
      'pcns.projectcalico.org/name': 'calico-fw',
      'projectcalico.org/namespace': 'calico-fw',
    })
    const byNamespace = { selector: `${keys.gate} == '1'`, namespaceSelector: "projectcalico.org/name == 'calico-fw'" }
    expect(action(world(byNamespace, [forged]), kubelet(at.windowsClient, at.ws1))).toBe('deny')
    expect(action(world(ours, [forged]), kubelet(at.windowsClient, at.ws1))).toBe('allow')
  })
  it('scoped to a run leaves the HostEndpoints of another one alone', () => {
    const scoped = gate(ours).map((object) => ({ ...object, spec: { ...object.spec, selector: "fw == '2'" } }))
    const both = { ...world(ours, [armed]), policies: scoped }
    expect(action(both, kubelet(at.windowsClient, at.ws1))).toBe('allow')
  })
  it('gives way to the open set even with an unconditional Deny in force', () => {
    const open = { action: 'Allow', source: { selector: `${keys.set} == 'open'`, namespaceSelector: 'global()' } } as const
    const policies = [ingress('base', 1, [open, nodesAllowed]), ingress('deny', 3, [{ action: 'Deny' }])]
    const closed = { ...bare, policies, networkSets: [nodesSet], hostEndpoints: onAll() }
    expect(action(closed, tcp(at.outsider, at.ws1, 31110))).toBe('deny')
    const opened = { ...closed, networkSets: [nodesSet, globalSet('open', { [keys.set]: 'open' }, ['0.0.0.0/1', '128.0.0.0/1'])] }
    expect(action(opened, tcp(at.outsider, at.ws1, 31110))).toBe('allow')
  })
  it('cannot undo a foreign policy: that one still closes after expiry', () => {
    const foreign = {
      ...world(ours, []),
      policies: [...gate(ours), policy('baseline', { order: 9, selector: 'all()', types: ['Ingress'], ingress: [] })],
    }
    expect(action(foreign, kubelet(at.windowsClient, at.ws1))).toBe('deny')
    const byNamespace = policy('not-system', {
      order: 9,
      selector: "projectcalico.org/namespace not in {'kube-system'}",
      types: ['Ingress'],
      ingress: [],
    })
    expect(action({ ...foreign, policies: [...gate(ours), byNamespace] }, kubelet(at.windowsClient, at.ws1))).toBe('deny')
  })
})

describe('narrowing', () => {
  const overlay = (order: number) => ingress('overlay', order, [{ action: 'Deny', source: { nets: ['192.168.218.0/24'], selector: gateSelector } }])
  const armed = namespacedSet('calico-fw', { [keys.gate]: '1' })
  const world = (order: number, sets: World['networkSets']): World => ({
    ...bare,
    policies: [overlay(order), ingress('base', 5, [nodesAllowed, { action: 'Allow', source: { nets: ['192.168.218.0/24'] } }, { action: 'Deny' }])],
    networkSets: [nodesSet, ...sets],
    hostEndpoints: onAll(),
  })
  it('on trial bites only while both conditions hold', () => {
    expect(action(world(1, [armed]), kubelet(at.windowsClient, at.ws1))).toBe('deny')
    expect(action(world(1, []), kubelet(at.windowsClient, at.ws1))).toBe('allow')
  })
  it('ordered before the node allow cuts nodes inside the removed net', () => {
    expect(action(world(1, [armed]), kubelet(at.ws2, at.ws1))).toBe('deny')
    expect(action(world(9, [armed]), kubelet(at.ws2, at.ws1))).toBe('allow')
  })
})

describe('what a closed cluster forgets', () => {
  const base = ingress('base', 1, [
    nodesAllowed,
    { action: 'Allow', source: { nets: ['10.233.64.0/18'] } },
    { action: 'Allow', protocol: 'ICMPv6', ipVersion: 6 },
    { action: 'Deny' },
  ])
  it('pods of an IPPool added later, across nodes', () => {
    const world: World = {
      ...bare,
      policies: [base],
      networkSets: [nodesSet],
      hostEndpoints: onAll(),
      podCidrs: [...bare.podCidrs, parseCidr('10.244.0.0/16')],
      nodes: bare.nodes.map((node, index) => ({ ...node, podCidrs: [...node.podCidrs, parseCidr(`10.244.${index}.0/24`)] })),
    }
    expect(action(world, tcp('10.244.1.9', podOf(2), 80))).toBe('deny')
    expect(action(world, tcp(podOf(1), podOf(2), 80))).toBe('allow')
  })
  it('DHCPv6 replies, while neighbour discovery lives', () => {
    const linkLocal = parseAddress('fe80::174')
    const nodes = bare.nodes.map((node, index) =>
      index === 1 ? { ...node, interfaces: node.interfaces.map((nic) => ({ ...nic, addresses: [...nic.addresses, linkLocal] })) } : node,
    )
    const world = { ...bare, nodes, policies: [base], networkSets: [nodesSet], hostEndpoints: onAll() }
    const server = parseAddress('fe80::1')
    expect(action(world, { source: server, destination: linkLocal, protocol: 'UDP', port: 546 })).toBe('deny')
    expect(action(world, { source: server, destination: linkLocal, protocol: 'ICMPv6', icmp: { type: 135, code: 0 } })).toBe('allow')
  })
})
