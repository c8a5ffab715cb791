import { describe, expect, test } from 'vitest'
import type { Components, OperatorPath } from '../../src/firewall/facts/components.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { interfaceWords } from '../../src/firewall/facts/interface-words.ts'
import { operatorSeen, operatorWords } from '../../src/firewall/facts/operator-path.ts'
import { needsOf } from '../../src/firewall/plan/needs.ts'
import { suggestions } from '../../src/firewall/plan/suggestions.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { needsText } from '../../src/ui/needs-text.ts'
import { questionsFor } from '../../src/ui/questions.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'

const lan = (last: number) => parseAddress(`192.168.218.${last}`)
const sourced = { name: 'x', source: 'y' }
const bare: Components = {
  distribution: { name: 'kubeadm', source: 'ConfigMap kube-system/kubeadm-config' },
  calicoOwner: { name: 'operator', source: 'owned by Installation default' },
  felixSettings: [],
  bgp: { port: 179, mesh: true, peers: [] },
  programs: [],
  timeServers: [],
  unavailableApis: [],
  operator: { via: 'direct', confirmed: [], looked: false },
}
const home = homeFacts()
const rich: Facts = {
  ...home,
  unseen: [],
  ipPools: [{ cidr: parseCidr('10.233.64.0/18'), natOutgoing: true, ipipMode: 'Always', vxlanMode: 'CrossSubnet' }],
  callees: [{ caller: 'APIService v1.metrics', namespace: 'kube-system', service: 'metrics', port: 443 }],
  hostPorts: [{ node: nodeName('ws1'), protocol: 'TCP', hostPort: 8080, pod: parseAddress('10.233.65.9'), port: 80 }],
  felixPeers: [...home.felixPeers, { address: lan(175), port: 5473, sources: ['EndpointSlice calico-system/calico-typha'] }],
  services: [
    ...home.services.map((one) => (one.name === 'app1-local' ? { ...one, healthCheckNodePort: 31999 } : one)),
    {
      ...(home.services[0] as Facts['services'][number]),
      namespace: 'kube-system',
      name: 'kube-dns',
      clusterIPs: [parseAddress('10.233.0.10')],
      ports: [{ protocol: 'UDP', port: 53 }],
    },
  ],
  components: {
    ...bare,
    etcd: { members: [{ address: lan(171), port: 2379, node: nodeName('control1') }], peerPorts: [2380], source: 'pods of etcd in kube-system' },
    felixSettings: [
      { ...sourced, name: 'vxlanPort', value: '8472' },
      { ...sourced, name: 'wireguardEnabled', value: 'true' },
    ],
    bgp: { port: 1179, mesh: true, peers: [{ ...sourced, address: lan(1), bfd: true, by: 'Calico', source: 'BGPPeer tor' }] },
    programs: [{ kind: 'kube-vip', name: 'kube-vip', source: 'Pod kube-system/kube-vip', ports: [{ protocol: 'TCP', port: 6443 }], vip: lan(189) }],
    timeServers: [parseAddress('203.0.113.123')],
  },
}

describe('lifelines', () => {
  test('of every kind are told with what keeps them', () => {
    expect(Object.fromEntries(needsOf(rich).map(({ what, where }) => [what, where]))).toEqual({
      'API server': ['192.168.218.171:6443', '192.168.218.189:7443'],
      you: ['192.168.218.170'],
      etcd: ['192.168.218.171:2379', '2380/tcp among its members'],
      kubelets: ['10250/tcp of every node'],
      'cluster DNS': ['10.233.0.10:53/udp'],
      Typha: ['192.168.218.175:5473'],
      'pod network': [
        '8472/udp of every node (VXLAN)',
        'protocol 4 of every node (IPIP)',
        '51820/udp of every node (WireGuard)',
        '1179/tcp of every node (BGP)',
      ],
      'webhooks, APIs': ['kube-system/metrics:443'],
      'kube-vip': ['VIP 192.168.218.189', '6443/tcp'],
      'balancer VIPs': ['192.168.218.180:80/tcp', '192.168.218.180:443/tcp'],
      NodePorts: ['30843/tcp', '30880/tcp', '31110/tcp', '31852/tcp'],
      'health checks': ['31999/tcp'],
      'routers, hostPorts': ['1179/tcp@192.168.218.1/32', '3784/udp@192.168.218.1/32', '4784/udp@192.168.218.1/32', '8080/tcp'],
      time: ['203.0.113.123'],
    })
    for (const { kept, sources } of needsOf(rich)) expect([kept.length > 0, sources.length > 0]).toEqual([true, true])
  })

  test('stand in one screen of 80 columns by 24 lines', () => {
    const lines = needsText(rich, 80).split('\n')
    expect(lines[0]).toBe('5 nodes: kubeadm, Kubernetes v1.36.3; Calico v3.32.1 (iptables, native API, kept')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.length).toBeLessThanOrEqual(24)
  })
})

describe('suggestions', () => {
  test('a router’s BGP is offered only where its port is no failsafe; MetalLB’s is called, not calling', () => {
    const withPeers = (port: number, by: 'Calico' | 'MetalLB', bfd: boolean) =>
      suggestions({ ...home, components: { ...bare, bgp: { port, mesh: true, peers: [{ ...sourced, address: lan(1), bfd, by }] } } }).map(
        ({ value }) => value,
      )
    expect(withPeers(179, 'Calico', false)).toEqual([])
    expect(withPeers(1179, 'Calico', false)).toEqual(['1179/tcp@192.168.218.1/32'])
    expect(withPeers(1179, 'MetalLB', false)).toEqual([])
    expect(withPeers(179, 'MetalLB', true)).toEqual(['3784/udp@192.168.218.1/32', '4784/udp@192.168.218.1/32'])
  })

  test('are one question, taken by default; without any there is none, and there are at most six', () => {
    expect(questionsFor(home).map(({ id }) => id)).toEqual(['interfaces', 'trust', 'vips', 'nodePorts', 'failsafes'])
    const questions = questionsFor(rich)
    expect(questions.map(({ id }) => id)).toEqual(['interfaces', 'trust', 'vips', 'nodePorts', 'open', 'failsafes'])
    expect(questions.find(({ id }) => id === 'open')?.offers.every(({ checked }) => checked)).toBe(true)
  })
})

describe('the operator’s own path', () => {
  const facts = (path: Partial<OperatorPath>, more: Partial<Facts> = {}): Facts => ({
    ...home,
    ...more,
    components: { ...bare, operator: { ...bare.operator, ...path } },
  })
  const onLink = home.nodes.map((node) => ({ ...node, networks: [parseCidr('192.168.218.0/24')] }))
  const publicApi = [{ address: parseAddress('198.51.100.7'), port: 6443, sources: ['kubeconfig'] }]
  const noSsh = Object.fromEntries(
    Object.entries(home.failsafes).map(([name, of]) => [
      name,
      { ...of, inbound: { ...of.inbound, ports: of.inbound.ports.filter(({ port }) => port !== 22) } },
    ]),
  )

  test.each<[string, Facts, ReturnType<typeof operatorSeen>, RegExp]>([
    [
      'confirmed by a node',
      facts({ confirmed: [lan(170)], looked: true }),
      'seen',
      /control-plane node itself has a connection from 192\.168\.218\.170/,
    ],
    ['in the nodes’ network', facts({}, { nodes: onLink }), 'seen', /nodes' own network/],
    ['through a proxy', facts({ via: 'proxy' }), 'hidden', /sees the proxy/],
    ['through a tunnel', facts({ via: 'tunnel' }), 'hidden', /tunnel leads on/],
    ['private towards a public API', facts({}, { apiEndpoints: publicApi }), 'hidden', /NAT stands between/],
    ['behind a balancer', facts({ looked: true }), 'unknown', /balancer or NAT/],
    ['nobody can tell', facts({}), 'unknown', /is not known/],
    ['no route', facts({}, { operatorAddresses: [] }), 'hidden', /No address of this machine/],
  ])('%s', (_, of, seen, words) => {
    expect(operatorSeen(of)).toBe(seen)
    expect(operatorWords(of)[0]?.text).toMatch(words)
  })

  test('SSH and the API survive as failsafes however we are seen; without SSH among them the unknown is a warning', () => {
    expect(operatorWords(facts({}))[0]).toMatchObject({ level: 'info', text: expect.stringMatching(/both stay open to you however you are seen/) })
    expect(operatorWords(facts({}, { failsafes: noSsh }))[0]).toMatchObject({
      level: 'warning',
      text: expect.stringMatching(/SSH \(22\/tcp\) is none/),
    })
    expect(operatorWords(facts({ confirmed: [lan(170)] }, { failsafes: noSsh }))[0]?.level).toBe('info')
  })

  test('a jump host is told apart from who sits before it', () => {
    expect(operatorWords(facts({ jumpedFrom: lan(9) })).at(-1)?.text).toMatch(/You sit at 192\.168\.218\.9.*jump host/)
  })
})

test('what is to know about interfaces is told once, with its nodes: bridges by their own name, second NICs as ways in', () => {
  const look = (name: string, more: object) => ({
    ...{ at: '', source: '', defaultRoutes: [{ family: 4 as const, device: name }], nodeInterface: name, unseen: [] },
    ...{
      backends: { calico: [], kubeProxy: [] },
      sysctls: {},
      hostInput: [],
      interfaces: [{ name, kind: 'nic' as const, up: true, addresses: [], ...more }],
    },
  })
  const nodes = home.nodes.map((node, at) => ({
    ...node,
    interfaces: [...node.interfaces, { name: 'ens224', addresses: [parseAddress(`192.168.219.${at + 1}`)], source: 'exec' }],
    inspected: at === 2 ? look('br0', { kind: 'bridge', members: ['ens160'] }) : look('ens160', {}),
  }))
  expect(interfaceWords(nodes)).toEqual([
    'ens224 is a second way in: it stays open unless it is chosen too (every node).',
    `br0 bridges ens160: a HostEndpoint names br0 (${nodeName('ws2')}).`,
    `ens160 is a second way in: it stays open unless it is chosen too (${nodeName('ws2')}).`,
  ])
  expect(needsText({ ...rich, nodes }, 80).split('\n').length).toBeLessThanOrEqual(30)
})
