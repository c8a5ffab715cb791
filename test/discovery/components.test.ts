import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { FelixConfiguration } from '../../src/calico/shapes.ts'
import { bgpOf } from '../../src/discovery/bgp.ts'
import { discover } from '../../src/discovery/discover.ts'
import { distributionOf } from '../../src/discovery/distribution.ts'
import { etcdOf } from '../../src/discovery/etcd-members.ts'
import { formatFacts, parseFacts } from '../../src/discovery/facts-file.ts'
import { felixSettingsOf } from '../../src/discovery/felix-settings.ts'
import { endsIn, procAddress, socketLines } from '../../src/discovery/inspect-sockets.ts'
import type { NodeObject, PodObject } from '../../src/discovery/kube-objects.ts'
import { operatorPathOf, proxySeen } from '../../src/discovery/look-into-nodes.ts'
import { ownerOf } from '../../src/discovery/owner.ts'
import { programsOf } from '../../src/discovery/programs.ts'
import type { NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Inspection } from '../../src/firewall/facts/inspection.ts'
import { addressOf, parseAddress } from '../../src/net/address.ts'
import { felixSettings } from '../../src/verdict/felix-settings.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { clusterApi, homeCluster, homeContext, homeWith, object } from './home-cluster.ts'

const lan = (last: number) => parseAddress(`192.168.218.${last}`)

describe('which distribution', () => {
  const node = (kubeletVersion: string, osImage = 'Ubuntu 24.04', labels: Record<string, string> = {}): NodeObject =>
    object('v1', 'Node', { name: 'n', labels }, { status: { nodeInfo: { kubeletVersion, osImage } } }) as NodeObject

  test.each<[string, NodeObject, boolean]>([
    ['RKE2', node('v1.33.1+rke2r1'), true],
    ['k3s', node('v1.33.1+k3s1'), false],
    ['EKS', node('v1.33.1-eks-1abcdef'), false],
    ['GKE', node('v1.33.1-gke.100'), false],
    ['OpenShift', node('v1.31.6+7b7bc5e'), false],
    ['AKS', node('v1.33.1', 'Ubuntu', { 'kubernetes.azure.com/cluster': 'x' }), false],
    ['MicroK8s', node('v1.33.1', 'Ubuntu', { 'microk8s.io/cluster': 'true' }), false],
    ['Talos', node('v1.33.1', 'Talos (v1.9)'), true],
    ['kubeadm', node('v1.33.1'), true],
    ['Flatcar', node('v1.33.1', 'Flatcar Container Linux'), false],
    ['unknown', node('v1.33.1'), false],
  ])('%s', (name, one, hasKubeadm) => {
    expect(distributionOf([one], hasKubeadm).name).toBe(name)
  })
})

test.each<[string, Partial<KubeObject['metadata']>]>([
  ['operator', { ownerReferences: [{ apiVersion: 'operator.tigera.io/v1', kind: 'Installation', name: 'default', uid: 'u' }] }],
  ['Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } }],
  ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'x' } }],
  ['Helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
  ['Flux', { managedFields: [{ manager: 'kubectl' }, { manager: 'kustomize-controller' }] }],
  ['manifests', { managedFields: [{ manager: 'kubectl-client-side-apply' }] }],
])('calico-node is kept by: %s', (name, metadata) => {
  expect(ownerOf(object('apps/v1', 'DaemonSet', { name: 'calico-node', ...metadata })).name).toBe(name)
})

test('a setting of Felix comes from the environment before FelixConfiguration, and is left out where neither sets it', () => {
  const configuration = {
    apiVersion: v3,
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: { vxlanPort: 8472, interfacePrefix: 'eni' },
  }
  expect(felixSettingsOf({ FELIX_VXLANPORT: '4790', FELIX_LOGSEVERITYSCREEN: 'Info' }, [configuration as FelixConfiguration])).toEqual([
    { name: 'interfacePrefix', value: 'eni', source: 'FelixConfiguration default' },
    { name: 'vxlanPort', value: '4790', source: 'environment variable FELIX_VXLANPORT' },
  ])
})

// Found in review: WireGuard's port of IPv6 was asked for by the verdict and read by nobody.
test('every setting the verdict depends on is read', () => {
  const spec = {
    defaultEndpointToHostAction: 'Accept',
    vxlanPort: 8472,
    wireguardEnabled: true,
    wireguardEnabledV6: true,
    wireguardListeningPort: 51_900,
    wireguardListeningPortV6: 51_999,
  }
  const configuration = { apiVersion: v3, kind: 'FelixConfiguration', metadata: { name: 'default' }, spec } as FelixConfiguration
  expect(felixSettings(felixSettingsOf({}, [configuration]))).toEqual({
    endpointToHost: 'ACCEPT',
    vxlanPort: 8472,
    wireguard: { 4: 51_900, 6: 51_999 },
  })
})

describe('etcd', () => {
  const pod = (command: readonly string[]): PodObject =>
    object('v1', 'Pod', { name: 'p', namespace: 'kube-system' }, { spec: { containers: [{ name: 'c', command }] } }) as PodObject
  const { nodes } = homeFacts()

  test('members on the control plane, loopback left out, with their peers’ port', () => {
    const member = pod([
      'etcd',
      '--listen-client-urls=https://127.0.0.1:2379,https://192.168.218.171:2379',
      '--listen-peer-urls=https://192.168.218.171:12380',
    ])
    expect(etcdOf([member], [pod(['kube-apiserver', '--etcd-servers=https://127.0.0.1:2379'])], nodes)).toEqual({
      members: [{ address: lan(171), port: 2379, node: nodeName('control1') }],
      peerPorts: [12380],
      source: 'pods of etcd in kube-system',
    })
  })

  test('members outside the cluster, as API servers are told', () => {
    const servers = pod(['kube-apiserver', '--etcd-servers=https://192.168.218.20:4001,https://192.168.218.21:4001'])
    expect(etcdOf([], [servers], nodes)).toMatchObject({
      members: [
        { address: lan(20), port: 4001 },
        { address: lan(21), port: 4001 },
      ],
      source: 'kube-apiserver --etcd-servers',
    })
    expect(etcdOf([], [], nodes)).toBeUndefined()
  })
})

test('BGP: the mesh, its port, routers outside with their failure detection; nodes are no routers', () => {
  const peer = (name: string, spec: object) => object(v3, 'BGPPeer', { name }, { spec })
  expect(
    bgpOf({
      configurations: [object(v3, 'BGPConfiguration', { name: 'default' }, { spec: { listenPort: 1179, nodeToNodeMeshEnabled: false } })],
      calicoPeers: [
        peer('tor', { peerIP: '192.168.218.1:179' }),
        peer('rr', { peerIP: '192.168.218.171' }),
        peer('by-selector', { peerSelector: 'x' }),
      ],
      metallbPeers: [peer('edge', { peerAddress: '192.168.218.2', bfdProfile: 'fast' })],
      nodeAddresses: new Set([lan(171)]),
    }),
  ).toEqual({
    port: 1179,
    mesh: false,
    peers: [
      { name: 'tor', address: lan(1), bfd: false, by: 'Calico', source: 'BGPPeer tor' },
      { name: 'edge', address: lan(2), bfd: true, by: 'MetalLB', source: 'MetalLB’s BGPPeer edge' },
    ],
  })
})

test('programs are known by their images, and told once with all their nodes', () => {
  const on = (node: string | undefined, image: string, env: Record<string, string> = {}) => ({
    source: `Pod kube-system/${image}`,
    containers: [{ image, env: Object.entries(env).map(([name, value]) => ({ name, value })) }],
    ...(node === undefined ? {} : { node }),
  })
  expect(
    programsOf([
      on(undefined, 'quay.io/metallb/speaker:v0.15.2', { METALLB_ML_BIND_ADDR: '', METALLB_ML_BIND_PORT: '7947' }),
      on('c1', 'ghcr.io/kube-vip/kube-vip:v0.9', { address: '192.168.218.189', port: '6444' }),
      on('c2', 'ghcr.io/kube-vip/kube-vip:v0.9', { address: '192.168.218.189', port: '6444' }),
      on('c1', 'docker.io/osixia/keepalived:2.0'),
      on('c1', 'docker.io/library/haproxy:2.8'),
      on('c1', 'quay.io/haproxytech/haproxy-ingress:1'),
      on('c1', 'registry.example:5000/nginx'),
    ]).map(({ kind, ports, nodes, vip }) => ({ kind, ports, nodes, vip })),
  ).toEqual([
    {
      kind: 'MetalLB',
      ports: [
        { protocol: 'TCP', port: 7947 },
        { protocol: 'UDP', port: 7947 },
      ],
    },
    { kind: 'kube-vip', ports: [{ protocol: 'TCP', port: 6444 }], nodes: ['c1', 'c2'], vip: lan(189) },
    { kind: 'keepalived', ports: [{ protocol: 112 }], nodes: ['c1'] },
    { kind: 'HAProxy', ports: [], nodes: ['c1'] },
  ])
})

describe('sockets of a node', () => {
  const anyAddress = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => addressOf(4, value)),
    fc.bigInt({ min: 2n ** 64n, max: 2n ** 128n - 1n }).map((value) => addressOf(6, value)),
  )

  test('addresses read back as the kernel prints them; IPv4 in IPv6 is IPv4', () => {
    fc.assert(fc.property(anyAddress, (address) => endsIn(`${procAddress(address)}:007B`).join() === address))
    expect(procAddress(lan(170))).toBe('AADAA8C0')
    expect(endsIn('0000000000000000FFFF0000AADAA8C0:1F90\nAADAA8C0:1F91\nnonsense')).toEqual([lan(170)])
  })

  test.runIf(existsSync('/proc/net/tcp'))('bash finds our connection to a port, and nobody’s to another', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const client = connect(port, '127.0.0.1')
    await new Promise((resolve) => client.once('connect', resolve))
    const own = [parseAddress('127.0.0.1'), parseAddress('192.0.2.1')]
    const run = async (apiPorts: readonly number[]) => (await promisify(execFile)('bash', ['-c', socketLines({ apiPorts, own }).join('\n')])).stdout
    const found = /@@ operator\n([\s\S]*?)@@ end 0/
    expect(endsIn(found.exec(await run([port, 1]))?.[1] ?? '')).toEqual(['127.0.0.1'])
    expect(found.exec(await run([1]))?.[1]).toBe('')
    client.destroy()
    server.close()
  })
})

describe('what nodes tell that objects do not', () => {
  const look = (more: Partial<Inspection>): NodeFacts => ({
    ...(homeFacts().nodes[0] as NodeFacts),
    inspected: {
      ...{ at: '', source: '', interfaces: [], defaultRoutes: [], backends: { calico: [], kubeProxy: [] }, sysctls: {}, unseen: [] },
      ...more,
    },
  })
  const unknown = { mode: 'unknown', source: 'not found', unseen: { kind: 'kube-proxy', what: 'mode', why: 'no' } } as const

  test.each<[string, Partial<Inspection>]>([
    ['ipvs', { interfaces: [{ name: 'kube-ipvs0', kind: 'other', up: false, addresses: [] }] }],
    ['nftables', { backends: { calico: [], kubeProxy: ['nftables'] } }],
    ['iptables', { backends: { calico: [], kubeProxy: ['iptables-nft'] } }],
    ['unknown', {}],
  ])('kube-proxy runs %s', (mode, more) => {
    expect(proxySeen(unknown, [look(more)]).mode).toBe(mode)
    expect(proxySeen({ mode: 'iptables', source: 'ConfigMap' }, [look(more)]).source).toBe('ConfigMap')
  })

  test('our address is confirmed where a control-plane node has a connection from it', () => {
    const path = (operatorSeen: Inspection['operatorSeen']) =>
      operatorPathOf({ via: 'direct' }, [look(operatorSeen === undefined ? {} : { operatorSeen })], [lan(170)])
    expect(path([lan(170)])).toEqual({ via: 'direct', looked: true, confirmed: [lan(170)] })
    expect(path([])).toEqual({ via: 'direct', looked: true, confirmed: [] })
    expect(path(undefined)).toEqual({ via: 'direct', looked: false, confirmed: [] })
  })
})

test('a whole cluster’s components, and the ports its pods publish, are found and can be saved', async () => {
  const ingress = (name: string, more: object) => ({
    containers: [{ name, image: 'nginx', ports: [{ containerPort: 80, hostPort: 8080 }] }],
    ...more,
  })
  const pod = (name: string, node: string, spec: object, status: object = {}) =>
    object('v1', 'Pod', { namespace: 'ingress', name, labels: { app: 'ingress' } }, { spec: { nodeName: nodeName(node), ...spec }, status })
  const cluster = homeWith(
    object(
      'apps/v1',
      'DaemonSet',
      { namespace: 'ingress', name: 'ingress' },
      {
        spec: { selector: { matchLabels: { app: 'ingress' } }, template: { spec: ingress('web', {}) } },
      },
    ),
    pod('ingress-1', 'ws1', ingress('web', {}), { podIP: '10.233.65.9' }),
    pod('ingress-2', 'ws2', ingress('web', { hostNetwork: true }), { podIP: '192.168.218.175' }),
    object(
      'apiregistration.k8s.io/v1',
      'APIService',
      { name: 'v1.metrics' },
      {
        spec: { service: { namespace: 'kube-system', name: 'metrics' } },
        status: { conditions: [{ type: 'Available', status: 'False' }] },
      },
    ),
  )
  const facts = await discover(clusterApi(cluster), homeContext({ operator: { via: 'tunnel', jumpedFrom: lan(9) } }))
  expect(facts.hostPorts).toEqual([{ node: nodeName('ws1'), protocol: 'TCP', hostPort: 8080, pod: '10.233.65.9', port: 80 }])
  expect(facts.components).toMatchObject({
    distribution: { name: 'kubeadm' },
    unavailableApis: ['v1.metrics'],
    operator: { via: 'tunnel', jumpedFrom: lan(9), looked: false },
  })
  expect(parseFacts(formatFacts(facts))).toEqual(facts)
  expect(homeCluster.length).toBeGreaterThan(0)
})
