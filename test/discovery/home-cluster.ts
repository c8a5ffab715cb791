import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { DiscoveryContext } from '../../src/discovery/discover.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { type ObjectApi, type ObjectApiOptions, objectApi } from '../fixtures/object-api.ts'

/** An object with the given metadata; everything beside it is merged in. */
export const object = (apiVersion: string, kind: string, metadata: KubeObject['metadata'], more: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  ...more,
})

const facts = homeFacts()

const nodes = facts.nodes.map((node): KubeObject => {
  const address = node.addresses[0]?.address ?? ''
  return object(
    'v1',
    'Node',
    {
      name: node.name,
      labels: node.labels,
      annotations: {
        'projectcalico.org/IPv4Address': `${address}/24`,
        'projectcalico.org/Interfaces': JSON.stringify([{ name: 'ens160', addresses: [address] }]),
      },
    },
    {
      spec: { podCIDRs: node.podCidrs },
      status: {
        addresses: [
          { type: 'InternalIP', address },
          { type: 'Hostname', address: node.name },
        ],
        conditions: [{ type: 'Ready', status: 'True' }],
        nodeInfo: { operatingSystem: 'linux' },
      },
    },
  )
})

const calicoPods = facts.nodes.map((node) =>
  object(
    'v1',
    'Pod',
    { name: node.calicoNode?.pod ?? '', namespace: 'calico-system', labels: { 'k8s-app': 'calico-node' } },
    {
      spec: { nodeName: node.name, containers: [{ name: 'calico-node' }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ restartCount: 0 }] },
    },
  ),
)

const daemonSet = (env: readonly object[] = []): KubeObject =>
  object(
    'apps/v1',
    'DaemonSet',
    { name: 'calico-node', namespace: 'calico-system' },
    {
      spec: {
        selector: { matchLabels: { 'k8s-app': 'calico-node' } },
        template: { spec: { containers: [{ name: 'calico-node', image: 'quay.io/calico/node:v3.32.1', env }] } },
      },
    },
  )

const services = facts.services.map(({ namespace, name, type, clusterIPs, loadBalancerIPs, externalTrafficPolicy, ports }) =>
  object(
    'v1',
    'Service',
    { namespace, name },
    {
      spec: { type, clusterIP: clusterIPs[0], clusterIPs, ports, ...(type === 'ClusterIP' ? {} : { externalTrafficPolicy }) },
      status: { loadBalancer: { ingress: loadBalancerIPs.map((ip) => ({ ip })) } },
    },
  ),
)

const endpointSlices = facts.services.map(({ namespace, name, endpoints }) =>
  object(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { namespace, name: `${name}-abcde`, labels: { 'kubernetes.io/service-name': name } },
    {
      addressType: 'IPv4',
      ports: endpoints[0]?.ports,
      endpoints: [
        ...endpoints.map(({ address, node: nodeName }) => ({
          addresses: [address],
          ...(nodeName === undefined ? {} : { nodeName }),
          conditions: { ready: true },
        })),
        { addresses: ['10.233.64.99'], conditions: { ready: false } },
      ],
    },
  ),
)

const configMap = (namespace: string, name: string, data: Record<string, string>): KubeObject =>
  object('v1', 'ConfigMap', { namespace, name }, { data })

/** The home cluster as its API shows it: kubeadm, Calico by the operator on native v3 CRDs, nothing of anybody's firewall yet. */
export const homeCluster: readonly KubeObject[] = [
  object('v1', 'Namespace', { name: 'kube-system', uid: facts.cluster.uid }),
  ...nodes,
  daemonSet(),
  ...calicoPods,
  ...services,
  ...endpointSlices,
  object('networking.k8s.io/v1', 'ServiceCIDR', { name: 'kubernetes' }, { spec: { cidrs: ['10.233.0.0/18'] } }),
  configMap('kube-system', 'kubeadm-config', {
    ClusterConfiguration: 'controlPlaneEndpoint: 192.168.218.189:7443\nnetworking:\n  serviceSubnet: 10.96.0.0/12\n',
  }),
  configMap('kube-system', 'kube-proxy', { 'config.conf': 'kind: KubeProxyConfiguration\nmode: iptables\n' }),
  object(v3, 'ClusterInformation', { name: 'default' }, { spec: { calicoVersion: 'v3.32.1', clusterGUID: 'guid-of-calico' } }),
  object(
    v3,
    'IPPool',
    { name: 'default-ipv4-ippool' },
    { spec: { cidr: '10.233.64.0/18', vxlanMode: 'CrossSubnet', ipipMode: 'Never', natOutgoing: true } },
  ),
  ...facts.felixConfigurations,
  ...facts.tiers,
]

/** The home cluster with some objects replaced or added, by kind, namespace and name. */
export const homeWith = (...changed: KubeObject[]): readonly KubeObject[] => {
  const keyOf = ({ apiVersion, kind, metadata }: KubeObject): string => [apiVersion, kind, metadata.namespace, metadata.name].join(' ')
  const keys = new Set(changed.map(keyOf))
  return [...homeCluster.filter((known) => !keys.has(keyOf(known))), ...changed]
}

/** The home cluster without a kind, or without one object as `ConfigMap kube-system/kube-proxy`. */
export const homeWithout = (...names: string[]): readonly KubeObject[] =>
  homeCluster.filter(({ kind, metadata }) => !names.includes(kind) && !names.includes(`${kind} ${metadata.namespace}/${metadata.name}`))

/** calico-node's DaemonSet with an environment. */
export const withEnvironment = (env: Readonly<Record<string, string>>): KubeObject =>
  daemonSet(Object.entries(env).map(([name, value]) => ({ name, value })))

/** An Api over objects that serves Calico's groups as the flavour does. */
export const clusterApi = (
  objects: readonly KubeObject[],
  { groups = ['projectcalico.org'], ...options }: ObjectApiOptions & { readonly groups?: readonly string[] } = {},
): ObjectApi =>
  objectApi(objects, {
    ...options,
    missing: [v3, 'crd.projectcalico.org/v1'].filter((apiVersion) => !groups.includes(apiVersion.replace(/\/.*/, ''))).concat(options.missing ?? []),
    paths: { '/apis': { groups: groups.map((name) => ({ name })) }, '/version': { gitVersion: 'v1.36.3' }, ...options.paths },
  })

/** The operator's side of the home cluster. */
export const homeContext = (more: Partial<DiscoveryContext> = {}): DiscoveryContext => ({
  contextName: facts.cluster.context,
  server: facts.cluster.server,
  now: () => new Date(facts.gatheredAt),
  lookup: async (host) => {
    throw new Error(`getaddrinfo ENOTFOUND ${host}`)
  },
  operatorAddresses: async () => [parseAddress('192.168.218.170')],
  ...more,
})
