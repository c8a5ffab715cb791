import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { keys, ownLabels } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, PolicySpec } from '../../src/calico/shapes.ts'
import { categories } from '../../src/doctor/check.ts'
import { allChecks, examine } from '../../src/doctor/examine.ts'
import type { Components } from '../../src/firewall/facts/components.ts'
import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Inspection } from '../../src/firewall/facts/inspection.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { firewallConfigMap } from '../../src/firewall/file/firewall-text.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { addressesOf } from '../../src/firewall/objects/network-sets.ts'
import { parseAddress } from '../../src/net/address.ts'
import { hostCidr, parseCidr } from '../../src/net/cidr.ts'
import { doctorText } from '../../src/ui/doctor-text.ts'
import { plainTheme } from '../../src/ui/theme.ts'
import { manyNodes } from '../firewall/many-nodes.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'

const look = (node: NodeFacts): Inspection => ({
  at: '2026-11-23T08:00:00.000Z',
  source: `exec in Pod calico-system/${node.calicoNode?.pod}`,
  interfaces: [{ name: 'ens160', kind: 'nic', up: true, addresses: node.addresses.map(({ address }) => ({ address, prefix: 24 })) }],
  defaultRoutes: [{ family: 4, device: 'ens160' }],
  nodeInterface: 'ens160',
  hostInput: [],
  backends: { calico: ['iptables-nft'], kubeProxy: ['iptables-nft'] },
  sysctls: { 'net.ipv4.conf.all.route_localnet': '1' },
  unseen: [],
})

const components: Components = {
  distribution: { name: 'kubeadm', source: 'ConfigMap kube-system/kubeadm-config' },
  calicoOwner: { name: 'operator', source: 'owned by Installation default' },
  felixSettings: [{ name: 'defaultEndpointToHostAction', value: 'ACCEPT', source: 'environment variable FELIX_DEFAULTENDPOINTTOHOSTACTION' }],
  bgp: { port: 179, mesh: true, peers: [{ name: 'tor', source: 'BGPPeer tor', address: parseAddress('192.168.218.1'), bfd: false, by: 'Calico' }] },
  programs: [],
  timeServers: [],
  unavailableApis: [],
  operator: { via: 'direct', confirmed: [], looked: true },
}
const withComponents = (more: Partial<Components>): Partial<Facts> => ({ components: { ...components, ...more } })
const felixSetting = (name: string, value: string): Partial<Facts> =>
  withComponents({ felixSettings: [...components.felixSettings, { name, value, source: 'FelixConfiguration default' }] })

/** The home cluster with every node looked into, and 7443 among the failsafes already. */
const clean: Facts = (() => {
  const facts = homeFacts()
  return {
    ...facts,
    nodes: facts.nodes.map((node) => ({ ...node, inspected: look(node) })),
    hostPorts: [],
    components,
    callees: [],
    unseen: [],
  }
})()

const ws1 = nodeName('ws1')
const withNode = (change: (node: NodeFacts) => Partial<NodeFacts>): Partial<Facts> => ({
  nodes: clean.nodes.map((node) => (node.name === ws1 ? { ...node, ...change(node) } : node)),
})
const inspected = (more: Partial<Inspection>): Partial<Facts> => withNode((node) => ({ inspected: { ...look(node), ...more } }))
const endpoint = (name: string, spec: Partial<HostEndpoint['spec']> = {}, labels: Readonly<Record<string, string>> = ownLabels()): HostEndpoint => ({
  apiVersion: v3,
  kind: 'HostEndpoint',
  metadata: { name, labels },
  spec: { node: ws1, interfaceName: 'ens160', expectedIPs: ['192.168.218.174'], profiles: ['projectcalico-default-allow'], ...spec },
})
const policy = (spec: PolicySpec, name = 'theirs'): GlobalNetworkPolicy => ({
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec: { selector: "role == 'db'", types: ['Ingress'], ...spec },
})
const felix = (name: string, spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: v3,
  kind: 'FelixConfiguration',
  metadata: { name, ...metadata },
  spec,
})
const failsafes = (change: (of: Facts['failsafes'][string]) => Facts['failsafes'][string], only?: string): Partial<Facts> => ({
  failsafes: Object.fromEntries(Object.entries(clean.failsafes).map(([name, of]) => [name, only === undefined || name === only ? change(of) : of])),
})
const inbound =
  (ports: readonly { protocol: string; port: number }[], source: Facts['failsafes'][string]['inbound']['source'] = { kind: 'default' }) =>
  (of: Facts['failsafes'][string]) => ({
    ...of,
    inbound: { ports, source },
  })
const set = (name: string, nets: string[], label: string): KubeObject => ({
  apiVersion: v3,
  kind: 'GlobalNetworkSet',
  metadata: { name, labels: ownLabels({ [keys.set]: label }) },
  spec: { nets },
})
const keptSets = [set('calico-fw-nodes', ['192.168.218.0/24'], 'nodes'), set('calico-fw-trusted', ['10.233.0.0/16'], 'trusted')]
/** A firewall of change 1, kept on every node. */
const kept = (more: Partial<Facts> = {}): Partial<Facts> => ({
  policies: [denyPolicy([1])],
  networkSets: keptSets as unknown as Facts['networkSets'],
  hostEndpoints: clean.nodes.map(({ name, addresses }) =>
    endpoint(`${name}-ens160`, { node: name, expectedIPs: addresses.map(({ address }) => address) }, ownLabels({ [keys.run]: '1' })),
  ),
  ...more,
})
const services = (more: object): Partial<Facts> => ({ services: clean.services.map((one) => (one.name === 'app1' ? { ...one, ...more } : one)) })
const allow = { action: 'Allow' as const }
const rule = { backend: 'iptables-nft' as const, family: 4 as const, chain: 'INPUT', text: '-A INPUT -p tcp --dport 9100 -j DROP', bypassed: true }
const unseen = (kind: Facts['unseen'][number]['kind'], what: string, why: string): Partial<Facts> => ({ unseen: [{ kind, what, why }] })
const defaults = clean.failsafes[ws1]?.inbound.ports ?? []

/** One planted misconfiguration for each check: what is changed, and what must be said. */
const planted: Record<string, readonly [Partial<Facts>, RegExp]> = {
  'FW-D001': [{ apiEndpoints: clean.apiEndpoints.map((one) => ({ ...one, sources: ['kubeconfig'] })) }, /no source in the cluster/],
  'FW-D002': [unseen('api-endpoints', 'ConfigMap kube-public/cluster-info', 'no answer'), /kube-public\/cluster-info: no answer/],
  'FW-D003': [{ operatorAddresses: [] }, /cannot be told/],
  'FW-D004': [{ nodes: clean.nodes.map((node) => ({ ...node, controlPlane: false })) }, /hosted control plane/],
  'FW-D005': [withComponents({ unavailableApis: ['v1beta1.metrics.k8s.io'] }), /v1beta1\.metrics\.k8s\.io is not available.*calico#7555/],
  'FW-D006': [withComponents({ operator: { via: 'tunnel', confirmed: [], looked: false } }), /a tunnel leads on/],
  'FW-D107': [withComponents({ felixSettings: [] }), /drops what pods send to their own node.*calico#5161/],
  'FW-D110': [{ podCidrs: [parseCidr('192.168.0.0/16')] }, /pod network 192\.168\.0\.0\/16 holds 192\.168\.218\.171, an address of node control1/],
  'FW-D108': [
    {
      ...withNode(() => ({ ready: false })),
      services: [
        ...clean.services,
        {
          ...(clean.services[0] as Facts['services'][number]),
          ...{ namespace: 'calico-system', name: 'calico-typha', endpoints: [{ address: parseAddress('192.168.218.174'), node: ws1, ports: [] }] },
        },
      ],
    },
    /Typha on ws1\S*, which is not Ready.*calico#11169/,
  ],
  'FW-D109': [{ networkSets: [set('office', ['10.0.0.0/40'], 'x')] as unknown as Facts['networkSets'] }, /office holds 10\.0\.0\.0\/40: no network/],
  'FW-D209': [
    {
      calico: { ...clean.calico, dataplane: 'bpf' },
      ...withNode((node) => ({ interfaces: node.interfaces.map((one) => ({ ...one, name: 'br0' })) })),
    },
    /br0 of ws1\S*: bpfDataIfacePattern does not match/,
  ],
  'FW-D210': [felixSetting('interfacePrefix', 'cali,ens'), /ens160 of .* begins with Felix’s interfacePrefix cali,ens/],
  'FW-D211': [
    {
      nodes: clean.nodes.map((node) => ({
        ...node,
        inspected: {
          ...look(node),
          interfaces: [
            {
              name: 'ens160',
              kind: 'nic' as const,
              up: true,
              addresses: [{ address: parseAddress('192.168.218.189'), prefix: 32, floating: true as const }],
            },
          ],
        },
      })),
    },
    /192\.168\.218\.189 is on control1\S*, ws1\S*, ws2\S* and 2 more at once.*calico#4956/,
  ],
  'FW-D409': [
    {
      hostEndpoints: [{ ...endpoint('nameless'), spec: { node: ws1, expectedIPs: ['192.168.218.174'], profiles: ['projectcalico-default-allow'] } }],
    },
    /nameless matches ws1\S* by address/,
  ],
  'FW-D410': [{ hostEndpoints: [endpoint('bare', {}, {})] }, /bare has none.*calico#9121/],
  'FW-D605': [
    {
      calico: { ...clean.calico, dataplane: 'bpf' },
      hostPorts: [{ node: ws1, protocol: 'TCP', hostPort: 8080, pod: parseAddress('10.233.65.9'), port: 80 }],
    },
    /8080 on ws1\S*: replies of host ports were lost/,
  ],
  'FW-D606': [
    withComponents({ bgp: { ...components.bgp, peers: components.bgp.peers.map((peer) => ({ ...peer, bfd: true })) } }),
    /3784\/udp@192\.168\.218\.1\/32: BFD/,
  ],
  'FW-D705': [
    { kubeProxy: { ...clean.kubeProxy, mode: 'ipvs', nodePortRange: { first: 20_000, last: 22_000 } } },
    /NodePorts are 20000-22000, and Felix takes 30000:32767/,
  ],
  'FW-D101': [{ calico: { ...clean.calico, flavour: 'etcd' } }, /in etcd/],
  'FW-D102': [{ calico: { ...clean.calico, version: 'v3.19.4' } }, /v3\.19\.4/],
  'FW-D103': [
    withNode(() => ({ calicoNode: { pod: 'calico-node-ws1', namespace: 'calico-system', ready: false, restarts: 0 } })),
    /calico-node-ws1 is not ready/,
  ],
  'FW-D104': [
    withNode(() => ({ calicoNode: { pod: 'calico-node-ws1', namespace: 'calico-system', ready: true, restarts: 40 } })),
    /restarted 40 times/,
  ],
  'FW-D105': [{ calico: { ...clean.calico, dataplane: 'bpf' } }, /eBPF.*51820/],
  'FW-D106': [
    { calico: { ...clean.calico, dataplane: 'nftables' }, networkSets: [set('world', ['0.0.0.0/0'], 'x')] as unknown as Facts['networkSets'] },
    /GlobalNetworkSet world names a \/0/,
  ],
  'FW-D201': [withNode(() => ({ interfaces: [] })), new RegExp(ws1)],
  'FW-D202': [unseen('host-input-rules', 'INPUT rules of ws1', 'no answer in 8 s'), /not seen: no answer/],
  'FW-D203': [inspected({ hostInput: [rule] }), /--dport 9100 -j DROP: Calico accepts before it/],
  'FW-D204': [inspected({ hostInput: [{ ...rule, backend: 'nftables', bypassed: false }] }), /drops also what this firewall allows/],
  'FW-D205': [
    inspected({
      interfaces: [
        { name: 'ens160', kind: 'nic', up: true, addresses: [], master: 'red' },
        { name: 'red', kind: 'vrf', up: true, addresses: [] },
      ],
    }),
    /VRF red/,
  ],
  'FW-D206': [{ hostEndpoints: [endpoint('typo', { interfaceName: 'ens169' })] }, /names ens169, and ws1\S* has ens160: it closes nothing/],
  'FW-D207': [withNode(() => ({ operatingSystem: 'windows' })), /does not: Calico/],
  'FW-D208': [
    {
      calico: { ...clean.calico, dataplane: 'bpf' },
      ...inspected({
        interfaces: [
          { name: 'ens160', kind: 'nic', up: true, addresses: [{ address: parseAddress('192.168.218.189'), prefix: 32, floating: true }] },
        ],
      }),
    },
    /192\.168\.218\.189 on ens160.*VRRP/,
  ],
  'FW-D301': [
    { felixConfigurations: [felix('default', { failsafeInboundHostPorts: [{ protocol: 'SCTP', port: 22 }] })] as Facts['felixConfigurations'] },
    /failsafeInboundHostPorts\[0\]\.protocol is SCTP/,
  ],
  'FW-D302': [failsafes(inbound([])), /no inbound failsafe at all/],
  'FW-D303': [failsafes(inbound(defaults.filter(({ port }) => port !== 22))), /lack 22\/tcp/],
  'FW-D304': [failsafes(inbound(defaults.filter(({ port }) => port !== 6443))), /6443\/tcp is none on/],
  'FW-D305': [
    failsafes(inbound(defaults, { kind: 'environment', variable: 'FELIX_FAILSAFEINBOUNDHOSTPORTS' })),
    /FELIX_FAILSAFEINBOUNDHOSTPORTS of calico-node overrules/,
  ],
  'FW-D306': [failsafes(inbound([...defaults, { protocol: 'TCP', port: 9 }]), ws1), /2 different inbound lists/],
  'FW-D307': [services({ ports: [{ protocol: 'TCP', port: 80, nodePort: 6443 }] }), /app1\/app1 is reached by 6443\/tcp, a failsafe/],
  'FW-D308': [{ policies: [policy({ ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports: [2379] } }] })] }, /theirs denies 2379/],
  'FW-D401': [{ hostEndpoints: [endpoint('x', {}, {})] }, /x is somebody else/],
  'FW-D402': [{ hostEndpoints: [endpoint('auto', {}, { 'projectcalico.org/created-by': 'calico-kube-controllers' })] }, /auto are made by/],
  'FW-D403': [{ hostEndpoints: [endpoint('a'), endpoint('b')] }, /a, b all name ens160/],
  'FW-D404': [{ hostEndpoints: [endpoint('a'), endpoint('b', { node: nodeName('ws2') })] }, /a, b claim 192\.168\.218\.174/],
  'FW-D405': [{ hostEndpoints: [{ ...endpoint('none'), spec: { node: ws1, profiles: ['projectcalico-default-allow'] } }] }, /names neither/],
  'FW-D406': [{ hostEndpoints: [endpoint('bare', { expectedIPs: [] })] }, /no expectedIPs/],
  'FW-D407': [{ hostEndpoints: [endpoint('typo', { profiles: ['projectcalico-default-alow'] })] }, /default-alow/],
  'FW-D408': [{ hostEndpoints: [endpoint('all', { interfaceName: '*' })] }, /is for "\*"/],
  'FW-D411': [{ policies: [policy({ selector: 'all()', ingress: [{ action: 'Deny' }] })] }, /GlobalNetworkPolicy theirs: it would govern/],
  'FW-D412': [{ policies: [policy({ ingress: [{ ...allow, protocol: 'ICMP', destination: { ports: [80] } }] })] }, /spec\.ingress\[0\]/],
  'FW-D413': [{ policies: [policy({ types: [], ingress: [allow] })] }, /has no types/],
  'FW-D414': [{ policies: [policy({ ingress: [allow] }, 'team.theirs')] }, /has a dot/],
  'FW-D415': [{ policies: [policy({ ingress: [{ ...allow, destination: { nets: ['127.0.0.0/8'] } }] })] }, /127\.0\.0\.0\/8/],
  'FW-D416': [
    { policies: [policy({ selector: 'all()', ingress: [{ ...allow, protocol: 'TCP', destination: { ports: [80] } }, allow] })] },
    /on all pods/,
  ],
  'FW-D417': [
    { policies: [policy({ preDNAT: true, applyOnForward: true, ingress: [{ ...allow, source: { selector: "home == 'yes'" } }] })] },
    /any tenant/,
  ],
  'FW-D418': [
    { tiers: [...clean.tiers, { apiVersion: v3, kind: 'Tier', metadata: { name: 'security' }, spec: { order: 5, defaultAction: 'Deny' } }] },
    /security: whatever/,
  ],
  'FW-D419': [{ duplicates: [{ kind: 'GlobalNetworkPolicy', v3: '', storage: 'hidden' }] }, /hidden stands in crd\.projectcalico\.org\/v1 alone/],
  'FW-D501': [{ hostEndpoints: [endpoint('old', { node: 'ws9' })] }, /old belongs to a node that is gone/],
  'FW-D502': [
    { felixConfigurations: [...clean.felixConfigurations, felix('node.ws9', {})] as Facts['felixConfigurations'] },
    /node\.ws9 is for a node/,
  ],
  'FW-D503': [{ hostEndpoints: [endpoint('x', {}, ownLabels({ [keys.run]: '7' }))] }, /change 7/],
  'FW-D504': [{ networkSets: [set('calico-fw-open', ['0.0.0.0/1'], 'open')] as unknown as Facts['networkSets'] }, /everything is open/],
  'FW-D505': [kept({ podCidrs: [parseCidr('10.99.0.0/16')] }), /10\.99\.0\.0\/16 came after/],
  'FW-D506': [
    kept({ ...withNode(() => ({ otherAddresses: [{ address: parseAddress('10.9.0.4'), source: 'annotation' }] })) }),
    /10\.9\.0\.4 is not in/,
  ],
  'FW-D507': [kept({ hostEndpoints: [] }), /are not closed/],
  'FW-D601': [services({ healthCheckNodePort: 31999 }), /watched on 31999/],
  'FW-D602': [services({ ports: [{ protocol: 'TCP', port: 80, nodePort: 20080 }] }), /20080 lies outside 30000-32767/],
  'FW-D603': [services({ externalIPs: [parseAddress('192.168.218.174')] }), /node’s address/],
  'FW-D604': [{ hostPorts: [{ node: ws1, protocol: 'TCP', hostPort: 8080, pod: parseAddress('10.233.65.9'), port: 80 }] }, /8080\/tcp are published/],
  'FW-D701': [{ kubeProxy: { ...clean.kubeProxy, mode: 'unknown' } }, /tells its mode/],
  'FW-D702': [{ calico: { ...clean.calico, version: 'v3.30.0' }, kubeProxy: { ...clean.kubeProxy, mode: 'ipvs' } }, /calico#11541/],
  'FW-D703': [{ kubeProxy: { ...clean.kubeProxy, mode: 'ipvs' } }, /vs\.conntrack is not 1/],
  'FW-D704': [inspected({ backends: { calico: ['iptables-legacy'], kubeProxy: ['nftables'] } }), /Calico in iptables-legacy, kube-proxy in nftables/],
  'FW-D751': [
    { felixConfigurations: [felix('default', {}, { managedFields: [{ manager: 'argocd-controller' }] })] as Facts['felixConfigurations'] },
    /Argo CD keeps FelixConfiguration/,
  ],
  'FW-D752': [
    { own: [{ ...keptSets[0], metadata: { ...keptSets[0]?.metadata, annotations: { 'argocd.argoproj.io/tracking-id': 'x' } } } as KubeObject] },
    /Argo CD keeps GlobalNetworkSet calico-fw-nodes/,
  ],
  'FW-D801': [unseen('other', 'tiers.projectcalico.org', 'forbidden'), /tiers\.projectcalico\.org: forbidden/],
  'FW-D802': [unseen('other', 'service CIDRs', 'nobody tells them'), /service CIDRs/],
  'FW-D901': [{ gateWebhooks: [{ name: 'kyverno/all', resources: ['jobs'], failurePolicy: 'Fail' }] }, /kyverno\/all.*fails closed/],
  'FW-D902': [unseen('webhooks', 'validatingwebhookconfigurations', 'no answer'), /no answer/],
}

const resultsOf = (change: Partial<Facts>) => examine({ ...clean, ...change })

test('the clean home cluster raises no alarm, before a firewall and under one', () => {
  expect(resultsOf({}).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
  expect(resultsOf(kept()).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
})

describe('each check', () => {
  test('has an id of its own in its category, and a planted misconfiguration here', () => {
    const ids = allChecks.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(Object.keys(planted).sort()).toEqual([...ids].sort())
    for (const { category } of allChecks) expect(categories).toContain(category)
  })

  test.each(Object.entries(planted))('%s names what was planted, with a remedy', (id, [change, words]) => {
    const found = resultsOf(change).find((one) => one.id === id)
    expect(found?.outcome).not.toBe('ok')
    expect(found?.findings.map(({ evidence }) => evidence).join('\n')).toMatch(words)
    for (const { hint } of found?.findings ?? [])
      expect(hint).toMatch(/^(kubectl |on |calicoctl |use |set |write |put |take |rename |name |keep |upgrade |close |try |exempt )/)
  })
})

test('the text goes by category, with marks, ids, evidence and a remedy in one piece', () => {
  const text = doctorText(resultsOf(planted['FW-D203']?.[0] ?? {}), { columns: 90, theme: plainTheme })
  expect(text).toContain(
    [
      '× no firewall of a node’s own would be bypassed  FW-D203',
      `    ${ws1}: INPUT: -A INPUT -p tcp --dport 9100 -j DROP: Calico accepts before`,
      '    it, so it opens with a HostEndpoint',
      `    fix: write it as a policy, or leave ${ws1} without a HostEndpoint`,
    ].join('\n'),
  )
  expect(text.split('\n')[0]).toBe('API')
  expect(text.split('\n').at(-1)).toBe(`Status check results: × ${allChecks.length - 1} of ${allChecks.length} checks are well, 0 warn, 1 fails`)
})

test('an ICMP code is a finding over nftables, where it takes every rule of the node away, and none over iptables', () => {
  const withCode = policy({ ingress: [{ action: 'Allow', protocol: 'ICMP', icmp: { type: 3, code: 4 } }] })
  const said = (dataplane: 'nftables' | 'iptables') =>
    examine({ ...clean, policies: [withCode], calico: { ...clean.calico, dataplane } }).flatMap(({ id, findings }) =>
      findings.filter(({ evidence }) => evidence.includes('an ICMP code')).map(() => id),
    )
  expect([said('nftables'), said('iptables')]).toEqual([['FW-D412'], []])
})

test('ports the kept firewall has narrowed are no findings; the same lists without it are', () => {
  const failsafes = Object.fromEntries(
    Object.entries(clean.failsafes).map(([node, { inbound, outbound }]) => {
      const narrow = inbound.ports.map((port) => (port.port === 22 || port.port === 6443 ? { ...port, net: '192.168.218.0/24' } : port))
      return [node, { inbound: { ...inbound, ports: narrow }, outbound }]
    }),
  )
  const home = parseHostFirewall(readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8'), 'home.yaml')
  const ports = [22, 6443].map((port) => ({ protocol: 'TCP' as const, port }))
  const kept = firewallConfigMap({ ...home, spec: { ...home.spec, narrowFailsafes: [{ ports, from: [] }] } })
  const found = (own: Facts['own']) =>
    examine({ ...clean, failsafes, own }).flatMap(({ id, findings }) => (findings.length > 0 && /30[34]/.test(id) ? [id] : []))
  expect([found([kept]), found([])]).toEqual([[], ['FW-D303', 'FW-D304']])
})

test('a pod network the kept firewall trusts by name is no finding', () => {
  const home = parseHostFirewall(readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8'), 'home.yaml')
  const pool = parseCidr('192.168.0.0/16')
  const trusting = firewallConfigMap({ ...home, spec: { ...home.spec, trustedNets: [pool] } })
  const found = (own: Facts['own']) => examine({ ...clean, podCidrs: [pool], own }).find(({ id }) => id === 'FW-D110')?.outcome
  expect([found([firewallConfigMap(home)]), found([trusting])]).toEqual(['error', 'ok'])
})

// Found in review: every address of every node was held against every net of the set, and doctor took minutes where planning takes seconds.
test('5,000 nodes under a kept firewall cost each check less than two seconds', { timeout: 60_000 }, () => {
  const many = manyNodes(4_997, 3)
  const nodes = many.nodes.map((node, at) => {
    const tunnel = parseAddress(`10.200.${at >> 8}.${at & 255}`)
    return { ...node, otherAddresses: [{ address: tunnel, source: 'annotation' }], networks: [parseCidr('10.0.0.0/13')], inspected: look(node) }
  })
  const [lists] = Object.values(many.failsafes)
  const facts: Facts = {
    ...many,
    nodes,
    podCidrs: nodes.map((_, at) => parseCidr(`11.${at >> 8}.${at & 255}.0/24`)),
    failsafes: Object.fromEntries(nodes.map(({ name }) => [name, lists as NonNullable<typeof lists>])),
    felixConfigurations: nodes.map(({ name }) => felix(`node.${name}`, {})) as unknown as Facts['felixConfigurations'],
    policies: [denyPolicy([1])],
    networkSets: [
      set('calico-fw-nodes', nodes.flatMap((node) => addressesOf(node).map(hostCidr)).slice(1), 'nodes'),
      set(
        'calico-fw-trusted',
        nodes.slice(1).map((_, at) => `11.${at >> 8}.${at & 255}.0/24`),
        'trusted',
      ),
    ] as unknown as Facts['networkSets'],
    hostEndpoints: nodes.map(({ name }) => endpoint(`${name}-ens160`, { node: name }, ownLabels({ [keys.run]: '1' }))),
  }
  const slow = allChecks.flatMap((check) => {
    const began = performance.now()
    const found = examine(facts, [check])[0]
    const ms = Math.round(performance.now() - began)
    if (check.id === 'FW-D506') expect(found?.findings).toHaveLength(1)
    return ms > 2_000 ? [`${check.id}: ${ms} ms`] : []
  })
  expect(slow).toEqual([])
})

test('every check is on docs/doctor.md', async () => {
  const sections = categories.flatMap((category) => {
    const own = allChecks.filter((check) => check.category === category)
    return own.length === 0
      ? []
      : [`## ${category}\n\n| id | what holds |\n| --- | --- |\n${own.map(({ id, title }) => `| ${id} | ${title} |`).join('\n')}\n`]
  })
  const intro =
    '# What doctor looks at\n\n`kubectl calico-fw doctor` reads and changes nothing. Each finding has its id, what was seen, and a command or an edit that mends it. Exit code 0: all is well; 1: something warns; 3: `init` would refuse, or be unsafe. A test keeps this page equal to the program.\n'
  await expect(`${intro}\n${sections.join('\n')}`).toMatchFileSnapshot('../../docs/doctor.md')
})
