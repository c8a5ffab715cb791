import { describe, expect, test } from 'vitest'
import { defaultFailsafes } from '../../src/calico/failsafes.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { storage, v3 } from '../../src/calico/resources.ts'
import { discover } from '../../src/discovery/discover.ts'
import { FwError } from '../../src/errors.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { clusterApi, homeCluster, homeContext, homeWith, homeWithout, object, withEnvironment } from './home-cluster.ts'

const found = (objects: readonly KubeObject[], more: Parameters<typeof clusterApi>[1] = {}): Promise<Facts> =>
  discover(clusterApi(objects, more), homeContext())
const unseenOf = ({ unseen }: Facts): string[] =>
  unseen.filter(({ kind }) => kind !== 'host-input-rules').map(({ kind, what, why }) => `${kind}: ${what}: ${why}`)

/** What the fixture leaves open and a real cluster tells. */
const told = (facts: Facts) => ({
  ...facts,
  nodes: facts.nodes.map(({ networks: _, ...node }) => node),
  ipPools: undefined,
  callees: undefined,
  hostPorts: undefined,
  components: undefined,
})

describe('the home cluster', () => {
  test('is found as every other room’s tests take it to be', async () => {
    const facts = await found(homeCluster)
    expect(told(facts)).toEqual({
      ...told(homeFacts()),
      gatheredAt: '2026-11-23T08:00:00.000Z',
      // The fixture's order is its own; ours is by name.
      services: [...homeFacts().services].sort((one, other) => (`${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1)),
      apiEndpoints: [
        { address: '192.168.218.171', port: 6443, sources: ['EndpointSlice default/kubernetes'], node: nodeName('control1') },
        { address: '192.168.218.189', port: 7443, sources: ['ConfigMap kube-system/kubeadm-config', 'kubeconfig'] },
      ],
    })
    expect(facts.nodes[0]?.networks).toEqual(['192.168.218.0/24'])
    expect(facts.ipPools).toEqual([{ cidr: '10.233.64.0/18', natOutgoing: true, ipipMode: 'Never', vxlanMode: 'CrossSubnet' }])
  })

  test('costs as many requests with 300 nodes as with 5, and asks for nothing twice', async ({ annotate }) => {
    const small = clusterApi(homeCluster)
    await discover(small, homeContext())
    const [, worker] = homeCluster.filter(({ kind }) => kind === 'Node')
    const many = Array.from({ length: 300 }, (_, index): KubeObject => ({ ...(worker as KubeObject), metadata: { name: `w${index}` } }))
    const large = clusterApi([...homeCluster, ...many])
    expect((await discover(large, homeContext())).nodes).toHaveLength(305)
    await annotate(`${small.calls.length} requests`)
    expect(large.calls.length).toBe(small.calls.length)
    expect(small.calls.length).toBeLessThanOrEqual(50)
    const repeated = small.calls.filter((call, at) => small.calls.indexOf(call) !== at)
    // Pods and Nodes are listed with several selectors.
    expect(repeated.filter((call) => !/ (pods|nodes)$/.test(call))).toEqual([])
  })
})

// Found in review: every pool was trusted, whether anything takes addresses from it or not.
test.each<[string, KubeObject[], string[]]>([
  ['a disabled pool nothing uses holds no pods', [], ['10.233.64.0/18']],
  [
    'one with a block does',
    [object(v3, 'BlockAffinity', { name: 'ws1' }, { spec: { cidr: '192.168.7.64/26' } })],
    ['10.233.64.0/18', '192.168.0.0/16'],
  ],
])('%s', async (_, blocks, expected) => {
  const old = object(v3, 'IPPool', { name: 'default-ipv4-ippool-old' }, { spec: { cidr: '192.168.0.0/16', disabled: true } })
  expect((await found(homeWith(old, ...blocks))).podCidrs).toEqual(expected)
})

// Found in review: beside a pool nobody takes addresses from, the ranges pods really have by host-local IPAM (Canal, flannel) were trusted nowhere.
test('the nodes’ own pod ranges count beside pools', async () => {
  const other = object(v3, 'IPPool', { name: 'default-ipv4-ippool' }, { spec: { cidr: '172.20.0.0/16' } })
  expect((await found(homeWith(other))).podCidrs).toEqual([...[64, 65, 66, 67, 68].map((at) => `10.233.${at}.0/24`), '172.20.0.0/16'])
})

describe('what may not be read', () => {
  test.each(['Node', 'HostEndpoint', 'GlobalNetworkPolicy', 'FelixConfiguration'])('%s ends discovery', async (kind) => {
    await expect(found(homeCluster, { forbidden: [kind] })).rejects.toMatchObject({ code: 'FW_FORBIDDEN' })
  })

  test.each<[string, string[]]>([
    ['Service', ['services: services: forbidden']],
    ['EndpointSlice', ['services: endpointslices.discovery.k8s.io: forbidden']],
    ['Tier', ['policies: tiers.projectcalico.org: forbidden']],
    ['IPPool', ['policies: ippools.projectcalico.org: forbidden']],
    ['GlobalNetworkSet', ['policies: globalnetworksets.projectcalico.org: forbidden']],
    ['NetworkSet', ['policies: networksets.projectcalico.org: forbidden']],
    ['Job', ['other: jobs.batch in calico-fw: forbidden']],
    ['Deployment', ['environment: Deployment calico-system/calico-typha: forbidden', 'host-ports: deployments.apps: forbidden']],
    ['DaemonSet', ['environment: daemonsets.apps: forbidden']],
    ['APIService', ['webhooks: apiservices.apiregistration.k8s.io: forbidden', 'webhooks: APIService v3.projectcalico.org: forbidden']],
    ['ValidatingWebhookConfiguration', ['webhooks: validatingwebhookconfigurations.admissionregistration.k8s.io: forbidden']],
    ['ConfigMap kube-system/kubeadm-config', ['api-endpoints: ConfigMap kube-system/kubeadm-config: forbidden']],
    ['ConfigMap kube-public/cluster-info', ['api-endpoints: ConfigMap kube-public/cluster-info: forbidden']],
    [
      'ConfigMap kube-system/kube-proxy',
      [
        'kube-proxy: ConfigMap kube-system/kube-proxy: forbidden',
        'kube-proxy: mode of kube-proxy: neither a ConfigMap nor a pod of kube-proxy tells',
      ],
    ],
    ['/version', ['other: /version: forbidden']],
  ])('%s is named and the rest is found', async (forbidden, expected) => {
    const facts = await found(homeCluster, { forbidden: [forbidden] })
    expect(unseenOf(facts)).toEqual(expected)
    expect(facts.nodes).toHaveLength(5)
  })

  test('everything but the four kinds at once', async () => {
    const forbidden = [
      ...[
        'Service',
        'EndpointSlice',
        'Tier',
        'IPPool',
        'GlobalNetworkSet',
        'NetworkSet',
        'Job',
        'Deployment',
        'DaemonSet',
        'Pod',
        'ServiceCIDR',
        'ConfigMap',
      ],
      ...['APIService', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', '/version', 'Namespace calico-fw', 'Namespace kube-system'],
    ]
    const facts = await found(homeCluster, { forbidden })
    expect(facts.cluster.uid).toBe('guid-of-calico')
    expect(facts.apiEndpoints.map(({ sources }) => sources)).toEqual([['kubeconfig']])
    expect(facts.podCidrs).toEqual(['10.233.64.0/24', '10.233.65.0/24', '10.233.66.0/24', '10.233.67.0/24', '10.233.68.0/24'])
    expect(unseenOf(facts)).toContain('services: service CIDRs: no ServiceCIDR, kubeadm-config or kube-apiserver pod tells them')
    expect(unseenOf(facts)).toContain(
      'environment: environment of calico-node: no DaemonSet or pod of it is in sight; it may overrule FelixConfiguration',
    )
  })

  test('a cluster without any name of its own is refused: its checkpoints would be mixed with others', async () => {
    await expect(found(homeWithout('ClusterInformation'), { forbidden: ['Namespace kube-system'] })).rejects.toMatchObject({ code: 'FW_FORBIDDEN' })
  })

  test('a source that hangs costs its deadline and no more', async () => {
    const began = performance.now()
    const facts = await discover(clusterApi(homeCluster, { hanging: ['Job', 'Tier'] }), homeContext({ timeoutMs: 50 }))
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(unseenOf(facts)).toEqual([
      `policies: tiers.projectcalico.org: ${v3} tiers gives no answer`,
      'other: jobs.batch in calico-fw: batch/v1 jobs gives no answer',
    ])
  })

  test('an abort ends it', async () => {
    const stop = new AbortController()
    const discovering = discover(clusterApi(homeCluster, { hanging: ['Node'] }), homeContext({ signal: stop.signal }))
    stop.abort(new Error('Ctrl-C'))
    await expect(discovering).rejects.toThrow('Ctrl-C')
  })
})

describe('nodes', () => {
  const control1 = homeCluster.find(({ metadata }) => metadata.name === nodeName('control1')) as KubeObject
  const changed = async (metadata: Partial<KubeObject['metadata']>, more: object = {}) => {
    const facts = await found(homeWith({ ...control1, ...more, metadata: { ...control1.metadata, ...metadata } }))
    return { facts, node: facts.nodes.find(({ name }) => name === nodeName('control1')) }
  }

  test('every address an annotation names is the node’s, with its source; those that mean no one machine are not', async () => {
    const { node } = await changed({
      annotations: {
        'projectcalico.org/IPv4Address': '192.168.218.171/24',
        'projectcalico.org/IPv6Address': '2001:db8:0::171/64',
        'projectcalico.org/IPv4IPIPTunnelAddr': '10.233.64.1',
        'projectcalico.org/IPv4WireguardInterfaceAddr': '10.233.64.7',
        'projectcalico.org/RouteReflectorClusterID': '244.0.0.1',
        'projectcalico.org/ASNumber': '64512',
        'projectcalico.org/Interfaces': JSON.stringify([
          { name: 'ens160', addresses: ['192.168.218.171', 'fe80::1', '2001:db8::171'] },
          { name: 'eth0.100@eth0', addresses: ['10.9.0.171', 'fe80::2%eth0', 'nonsense'] },
          { addresses: ['10.8.0.1'] },
        ]),
      },
    })
    expect(node?.otherAddresses).toEqual([
      { address: '10.233.64.1', source: 'annotation projectcalico.org/IPv4IPIPTunnelAddr' },
      { address: '10.233.64.7', source: 'annotation projectcalico.org/IPv4WireguardInterfaceAddr' },
      { address: '2001:db8::171', source: 'annotation projectcalico.org/IPv6Address' },
      { address: '10.9.0.171', source: 'annotation projectcalico.org/Interfaces, eth0.100' },
    ])
    expect(node?.interfaces.map(({ name, addresses }) => [name, addresses])).toEqual([
      ['ens160', ['192.168.218.171', 'fe80::1', '2001:db8::171']],
      ['eth0.100', ['10.9.0.171']],
    ])
    expect(node?.networks).toEqual(['192.168.218.0/24', '2001:db8::/64'])
  })

  test.each([undefined, 'not json', '{"name": "ens160"}'])(
    'without a usable Interfaces annotation (%s) the interfaces are unseen',
    async (interfaces) => {
      const { facts, node } = await changed({ annotations: interfaces === undefined ? {} : { 'projectcalico.org/Interfaces': interfaces } })
      expect(node?.interfaces).toEqual([])
      expect(facts.unseen.map(({ what }) => what)).toContain(`interfaces of ${nodeName('control1')}`)
    },
  )

  test('a node of the control plane is known without its label: the API answers there', async () => {
    expect((await changed({ labels: {} })).node?.controlPlane).toBe(true)
    const worker = (await found(homeCluster)).nodes.find(({ name }) => name === nodeName('ws1'))
    expect(worker?.controlPlane).toBe(false)
  })

  test('NotReady, cordoned and Windows', async () => {
    const { node } = await changed(
      {},
      {
        spec: { unschedulable: true },
        status: { conditions: [{ type: 'Ready', status: 'Unknown' }], nodeInfo: { operatingSystem: 'windows' }, addresses: [] },
      },
    )
    expect(node).toMatchObject({ ready: false, unschedulable: true, operatingSystem: 'windows' })
  })

  test('a node whose calico-node pod is going away has none', async () => {
    const pod = homeCluster.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === 'calico-node-control1') as KubeObject
    const facts = await found(homeWith({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-11-23T08:00:00Z' } }))
    expect(facts.nodes.find(({ name }) => name === nodeName('control1'))?.calicoNode).toBeUndefined()
  })
})

describe('failsafes', () => {
  const felix = (name: string, spec: object): KubeObject => object(v3, 'FelixConfiguration', { name }, { spec })
  const inboundOf = async (node: string, ...objects: KubeObject[]) => (await found(homeWith(...objects))).failsafes[nodeName(node)]?.inbound
  const only = (port: number) => ({ failsafeInboundHostPorts: [{ protocol: 'TCP', port }] })

  test.each<[string, KubeObject[], number, unknown]>([
    ['default', [felix('default', only(1))], 1, { kind: 'felixconfiguration', name: 'default' }],
    [
      'node.* over default',
      [felix('default', only(1)), felix(`node.${nodeName('ws1')}`, only(2))],
      2,
      { kind: 'felixconfiguration', name: `node.${nodeName('ws1')}` },
    ],
    [
      'a nodeSelector over default',
      [felix('default', only(1)), felix('workers', { ...only(3), nodeSelector: "kubernetes.io/os == 'linux'" })],
      3,
      { kind: 'felixconfiguration', name: 'workers' },
    ],
    [
      'the environment over all',
      [felix('default', only(1)), felix(`node.${nodeName('ws1')}`, only(2)), withEnvironment({ FELIX_FAILSAFEINBOUNDHOSTPORTS: 'tcp:4' })],
      4,
      { kind: 'environment', variable: 'FELIX_FAILSAFEINBOUNDHOSTPORTS' },
    ],
  ])('%s', async (_, objects, port, source) => {
    expect(await inboundOf('ws1', ...objects)).toEqual({ ports: [{ protocol: 'TCP', port }], source })
  })

  test('Felix’s own where nobody says', async () => {
    expect(await inboundOf('ws1')).toEqual({ ports: defaultFailsafes.inbound, source: { kind: 'default' } })
  })

  test('a list Felix dies on is refused, or noted where the caller must go on', async () => {
    const api = clusterApi(homeWith(felix('default', { failsafeInboundHostPorts: [{ protocol: 'SCTP', port: 1 }] })))
    await expect(discover(api, homeContext())).rejects.toMatchObject({ code: 'FW_BAD_FAILSAFE' })
    const facts = await discover(api, homeContext({ brokenFailsafes: 'empty' }))
    expect(facts.failsafes[nodeName('ws1')]?.inbound.ports).toEqual([])
    expect(unseenOf(facts)).toEqual([expect.stringContaining('environment: effective failsafes: FelixConfiguration default')])
  })
})

describe('endpoints of the API', () => {
  const configMap = (namespace: string, name: string, data: Record<string, string>) => object('v1', 'ConfigMap', { namespace, name }, { data })
  const kubeconfig = (server: string) => `apiVersion: v1\nclusters:\n- cluster:\n    server: ${server}\n  name: x\n`

  test('every source is asked, merged by address and port, and told which node owns it', async () => {
    const facts = await found(
      homeWith(
        configMap('tigera-operator', 'kubernetes-services-endpoint', { KUBERNETES_SERVICE_HOST: '192.168.218.189', KUBERNETES_SERVICE_PORT: '7443' }),
        configMap('kube-public', 'cluster-info', { kubeconfig: kubeconfig('https://192.168.218.189:7443') }),
        configMap('kube-system', 'kube-proxy', { 'config.conf': 'mode: ""', 'kubeconfig.conf': kubeconfig('https://192.168.218.171:6443') }),
        withEnvironment({ KUBERNETES_SERVICE_HOST: '192.168.218.188', KUBERNETES_SERVICE_PORT: '443' }),
        object(
          'apps/v1',
          'Deployment',
          { namespace: 'calico-system', name: 'calico-typha' },
          {
            spec: { template: { spec: { containers: [{ env: [{ name: 'KUBERNETES_SERVICE_HOST', value: '192.168.218.187' }] }] } } },
          },
        ),
        object(
          'discovery.k8s.io/v1',
          'EndpointSlice',
          { namespace: 'calico-system', name: 'calico-typha-x', labels: { 'kubernetes.io/service-name': 'calico-typha' } },
          {
            ports: [{ name: 'calico-typha', port: 5473 }],
            endpoints: [{ addresses: ['192.168.218.174'], conditions: {} }],
          },
        ),
        object(
          'v1',
          'Pod',
          { namespace: 'kube-system', name: 'kube-apiserver-control1', labels: { component: 'kube-apiserver' } },
          {
            spec: {
              nodeName: nodeName('control1'),
              containers: [{ command: ['kube-apiserver', '--advertise-address=192.168.218.171', '--secure-port', '6444'] }],
            },
          },
        ),
      ),
    )
    expect(facts.apiEndpoints.map(({ address, port, sources, node }) => [`${address}:${port}`, sources, node])).toEqual([
      ['192.168.218.171:6443', ['EndpointSlice default/kubernetes', 'ConfigMap kube-system/kube-proxy'], nodeName('control1')],
      ['192.168.218.171:6444', ['pod kube-system/kube-apiserver-control1'], nodeName('control1')],
      ['192.168.218.187:443', ['Deployment calico-system/calico-typha'], undefined],
      ['192.168.218.188:443', ['environment of calico-node in calico-system'], undefined],
      [
        '192.168.218.189:7443',
        [
          'ConfigMap tigera-operator/kubernetes-services-endpoint',
          'ConfigMap kube-system/kubeadm-config',
          'ConfigMap kube-public/cluster-info',
          'kubeconfig',
        ],
        undefined,
      ],
    ])
    expect(facts.felixPeers.map(({ address, port }) => `${address}:${port}`)).toEqual([
      '192.168.218.171:6443',
      '192.168.218.174:5473',
      '192.168.218.187:443',
      '192.168.218.188:443',
      '192.168.218.189:7443',
    ])
  })

  test('names are resolved to all their addresses; one that is not is unseen', async () => {
    const named = homeContext({
      server: 'https://api.example:7443',
      lookup: async (host) => (host === 'api.example' ? ['192.168.218.189', '2001:db8::189'] : []),
    })
    const addresses = (await discover(clusterApi(homeCluster), named)).apiEndpoints.map(({ address }) => address)
    expect(addresses).toEqual(['192.168.218.171', '192.168.218.189', '2001:db8::189'])
    const facts = await discover(clusterApi(homeCluster), homeContext({ server: 'https://gone.example' }))
    expect(unseenOf(facts)).toEqual(['api-endpoints: addresses of gone.example: getaddrinfo ENOTFOUND gone.example'])
  })

  test('a name server that never answers costs its deadline', async () => {
    const context = homeContext({ server: 'https://slow.example', timeoutMs: 50, lookup: () => new Promise(() => undefined) })
    expect(unseenOf(await discover(clusterApi(homeCluster), context))).toEqual(['api-endpoints: addresses of slow.example: no answer in 0.05 s'])
  })

  test('ClusterIPs and loopback are no endpoints', async () => {
    const objects = homeWith(withEnvironment({ KUBERNETES_SERVICE_HOST: '10.233.0.1' }))
    const facts = await discover(clusterApi(objects), homeContext({ server: 'https://127.0.0.1:6443' }))
    expect(facts.apiEndpoints.map(({ address }) => address)).toEqual(['192.168.218.171', '192.168.218.189'])
  })

  test('an address that two nodes show is nobody’s', async () => {
    const nodes = homeCluster.filter(({ kind }) => kind === 'Node').slice(0, 2)
    const withVip = nodes.map((node) => ({
      ...node,
      metadata: {
        ...node.metadata,
        annotations: { 'projectcalico.org/Interfaces': JSON.stringify([{ name: 'ens160', addresses: ['192.168.218.189'] }]) },
      },
    }))
    expect((await found(homeWith(...withVip.slice(0, 1)))).apiEndpoints.at(-1)?.node).toBe(nodeName('control1'))
    expect((await found(homeWith(...withVip))).apiEndpoints.at(-1)?.node).toBeUndefined()
  })
})

describe('two API groups', () => {
  const policy = (apiVersion: string, name: string, more: object = {}): KubeObject =>
    object(apiVersion, 'GlobalNetworkPolicy', { name, ...more }, { spec: {} })
  const apiService = object(
    'apiregistration.k8s.io/v1',
    'APIService',
    { name: 'v3.projectcalico.org' },
    { spec: { service: { name: 'calico-api' } } },
  )

  test('aggregated: what only the storage group has is named', async () => {
    const objects = homeWith(apiService, policy(v3, 'seen'), policy(storage, 'default.seen'), policy(storage, 'hidden'))
    const facts = await found(objects, { groups: ['projectcalico.org', 'crd.projectcalico.org'] })
    expect(facts.calico.flavour).toBe('aggregated')
    expect(facts.duplicates).toEqual([{ kind: 'GlobalNetworkPolicy', v3: '', storage: 'hidden' }])
    expect(facts.policies.map(({ metadata }) => metadata.name)).toEqual(['seen'])
  })

  test('storage alone: objects read as users would see them', async () => {
    const annotations = { 'projectcalico.org/metadata': JSON.stringify({ name: 'allow-rules', labels: { team: 'a' } }) }
    const objects = [
      ...homeWithout('FelixConfiguration', 'Tier', 'IPPool', 'ClusterInformation'),
      policy(storage, 'default.allow-rules', { annotations }),
    ]
    const facts = await found(objects, { groups: ['crd.projectcalico.org'] })
    expect(facts.calico.flavour).toBe('storage')
    expect(facts.policies).toMatchObject([{ apiVersion: v3, metadata: { name: 'allow-rules', labels: { team: 'a' } } }])
    expect(facts.duplicates).toEqual([])
  })
})

test('our own objects are told from others by their label', async () => {
  const labels = { 'app.kubernetes.io/managed-by': 'calico-fw' }
  const facts = await found(
    homeWith(
      object('v1', 'Namespace', { name: 'calico-fw', labels }),
      object(v3, 'GlobalNetworkSet', { name: 'calico-fw-nodes', labels }, { spec: {} }),
      object(v3, 'GlobalNetworkSet', { name: 'theirs' }, { spec: {} }),
      object(v3, 'NetworkSet', { name: 'gate-3', namespace: 'calico-fw', labels }, { spec: {} }),
      object('batch/v1', 'Job', { name: 'gate-3', namespace: 'calico-fw', labels }),
      object('v1', 'Service', { name: 'calico-fw-nodes', namespace: 'calico-system', labels }, { spec: { clusterIP: 'None' } }),
      object('v1', 'ConfigMap', { name: 'host-firewall', namespace: 'calico-fw', labels }),
    ),
  )
  expect(facts.own.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'Namespace calico-fw',
    'GlobalNetworkSet calico-fw-nodes',
    'NetworkSet gate-3',
    'Service calico-fw-nodes',
    'Job gate-3',
    'ConfigMap host-firewall',
  ])
  expect(facts.networkSets).toHaveLength(3)
  expect(facts.services.find(({ name }) => name === 'calico-fw-nodes')?.clusterIPs).toEqual([])
})

test('the operator’s addresses are asked for towards the API and a node; without any it says so', async () => {
  const asked: (readonly string[])[] = []
  const context = homeContext({
    operatorAddresses: async (towards) => {
      asked.push(towards)
      return []
    },
  })
  const facts = await discover(clusterApi(homeCluster), context)
  expect(asked).toEqual([[parseAddress('192.168.218.171'), parseAddress('192.168.218.189')]])
  expect(facts.unseen.map(({ kind }) => kind)).toContain('operator-address')
})

test('a bug is not taken for a source that cannot be read', async () => {
  const api = clusterApi(homeCluster)
  const broken = { ...api, get: () => Promise.reject(new TypeError('a bug')) }
  await expect(discover(broken, homeContext())).rejects.toMatchObject({ code: 'FW_API', why: 'a bug' })
  await expect(discover({ ...api, get: () => Promise.reject(new FwError('FW_UNREACHABLE', 'no way')) }, homeContext())).rejects.toMatchObject({
    code: 'FW_UNREACHABLE',
  })
})
