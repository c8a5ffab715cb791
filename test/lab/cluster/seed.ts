import type { CalicoCrds } from '../binaries.ts'
import type { Layout, NodeHost } from '../layout.ts'
import { until } from '../machine/run.ts'
import type { Variant } from '../options.ts'
import type { LabApi, LabObject } from './api.ts'
import { calicoApiVersion } from './crds.ts'
import { felixEnvironment, typhaPort } from './felix.ts'

/** The namespace of calico-node, as the operator lays it. */
export const calicoNamespace = 'calico-system'
const calicoNodeLabels = { 'k8s-app': 'calico-node' }

/** What a running Calico has in its datastore before anybody writes a policy. */
export const calicoObjects = (layout: Layout, { flavour, felix }: Variant): LabObject[] => {
  const apiVersion = calicoApiVersion(flavour)
  const object = (kind: string, name: string, spec: Readonly<Record<string, unknown>>): LabObject => ({ apiVersion, kind, metadata: { name }, spec })
  const tier = (name: string, order: number, defaultAction: string) => object('Tier', name, { order, defaultAction })
  return [
    // Behind the aggregated API ClusterInformation is the server's own, and refuses a write: there it goes to storage.
    {
      ...object('ClusterInformation', 'default', { datastoreReady: true, clusterGUID: 'lab', calicoVersion: 'v3.32.1' }),
      ...(flavour === 'aggregated' ? { apiVersion: 'crd.projectcalico.org/v1' } : {}),
    },
    object('FelixConfiguration', 'default', {
      logSeverityScreen: 'Info',
      reportingInterval: '0s',
      floatingIPs: 'Disabled',
      // Left to itself (Auto) Felix takes nftables wherever kube-proxy does.
      nftablesMode: felix === 'native' ? 'Enabled' : 'Disabled',
    }),
    ...(layout.podCidr6 === undefined
      ? []
      : [
          object('IPPool', 'default-ipv6-ippool', {
            ...{ cidr: layout.podCidr6, ipipMode: 'Never', vxlanMode: 'Never', natOutgoing: true, nodeSelector: 'all()', blockSize: 122 },
            allowedUses: ['Workload', 'Tunnel'],
          }),
        ]),
    object('IPPool', 'default-ipv4-ippool', {
      cidr: layout.podCidr,
      ipipMode: 'Never',
      vxlanMode: 'Never',
      natOutgoing: true,
      nodeSelector: 'all()',
      blockSize: 26,
      allowedUses: ['Workload', 'Tunnel'],
    }),
    tier('default', 1_000_000, 'Deny'),
    tier('kube-admin', 1000, 'Pass'),
    tier('kube-baseline', 10_000_000, 'Pass'),
  ]
}

/** calico-node's DaemonSet and what kubeadm leaves behind for others to read. */
export const systemObjects = (layout: Layout, variant: Variant, crds: CalicoCrds | undefined): LabObject[] => [
  ...(crds === undefined ? [] : calicoNode(variant)),
  ...(crds === undefined || variant.typha !== true ? [] : typhaService(layout)),
  configMap('kube-proxy', {
    'config.conf': JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: variant.proxy,
      clusterCIDR: both(layout.podCidr, layout.podCidr6),
    }),
  }),
  configMap('kubeadm-config', {
    ClusterConfiguration: JSON.stringify({
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      controlPlaneEndpoint: `${layout.api.vip}:${layout.api.vipPort}`,
      networking: {
        podSubnet: both(layout.podCidr, layout.podCidr6),
        serviceSubnet: both(layout.serviceCidr, layout.serviceCidr6),
        dnsDomain: 'cluster.local',
      },
    }),
  }),
]

const both = (four: string, six: string | undefined): string => (six === undefined ? four : `${four},${six}`)

const configMap = (name: string, data: Readonly<Record<string, string>>): LabObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'kube-system' },
  data,
})

const calicoNode = ({ flavour }: Variant): LabObject[] => {
  const env = Object.entries(felixEnvironment(flavour)).map(([name, value]) => ({ name, value }))
  const pod = {
    hostNetwork: true,
    tolerations: [{ operator: 'Exists' }],
    priorityClassName: 'system-node-critical',
    containers: [{ name: 'calico-node', image: 'quay.io/calico/node:v3.32.1', env }],
  }
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: calicoNamespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'calico-node', namespace: calicoNamespace },
      spec: {
        selector: { matchLabels: calicoNodeLabels },
        updateStrategy: { type: 'OnDelete' },
        template: { metadata: { labels: calicoNodeLabels }, spec: pod },
      },
    },
  ]
}

/** How a cluster tells of its Typha; the lab's runs outside of any pod, on the first node. */
const typhaService = ({ nodes }: Layout): LabObject[] => {
  const [port, protocol] = [typhaPort, 'TCP']
  const metadata = { name: 'calico-typha', namespace: calicoNamespace }
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'calico-typha', port, protocol }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'calico-typha' } },
      addressType: 'IPv4',
      ports: [{ name: 'calico-typha', port, protocol }],
      endpoints: nodes.slice(0, 1).map(({ address, fqdn }) => ({ addresses: [address], nodeName: fqdn, conditions: { ready: true } })),
    } as LabObject,
  ]
}

/** The home cluster's Services: a NodePort of each traffic policy, and the ingress behind its VIP. Every address and port is fixed, so that what is recorded of one run fits the next. */
export const homeServices = ({ nodePorts, clusterIps, serviceCidr6 }: Layout): LabObject[] => {
  const service = (name: string, spec: Readonly<Record<string, unknown>>): LabObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: 'app1' }, ...(serviceCidr6 === undefined ? {} : { ipFamilyPolicy: 'PreferDualStack' }), ...spec },
  })
  return [
    service('app1-np', { type: 'NodePort', clusterIP: clusterIps.cluster, ports: [{ port: 80, nodePort: nodePorts.cluster }] }),
    service('app1-local', {
      type: 'NodePort',
      clusterIP: clusterIps.local,
      externalTrafficPolicy: 'Local',
      ports: [{ port: 80, nodePort: nodePorts.local }],
    }),
    service('ingress', {
      type: 'LoadBalancer',
      clusterIP: clusterIps.ingress,
      ports: [
        { name: 'http', port: 80, nodePort: nodePorts.http },
        { name: 'https', port: 443, targetPort: 80, nodePort: nodePorts.https },
      ],
    }),
  ]
}

/** Gives a LoadBalancer Service its VIP, as MetalLB's controller does. */
export const assignVip = async (api: LabApi, name: string, ip: string): Promise<void> => {
  await api.patch({ apiVersion: 'v1', kind: 'Service', namespace: 'default', name }, { status: { loadBalancer: { ingress: [{ ip }] } } }, 'status')
}

/** Waits until every calico-node pod has its node and its address. Without a scheduler it binds them, and without kubelets it writes their status. */
export const placeCalicoNodePods = async (
  api: LabApi,
  nodes: readonly NodeHost[],
  running: { readonly scheduler: boolean; readonly kubelets: boolean },
): Promise<void> => {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: calicoNamespace }
  const placed = async () => {
    const pods = (await api.list(ref, '?labelSelector=k8s-app%3Dcalico-node')) as CalicoNodePod[]
    for (const { metadata, spec, status } of pods) {
      const host =
        spec.nodeName ?? spec.affinity?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]?.matchFields[0]?.values[0]
      const node = nodes.find((one) => one.fqdn === host)
      if (node === undefined) continue
      if (spec.nodeName === undefined && !running.scheduler) await bind(api, metadata.name, node.fqdn)
      if (status?.podIP === undefined && !running.kubelets)
        await api.patch({ ...ref, name: metadata.name }, { status: runningStatus(node.address, 'calico-node') }, 'status')
    }
    return nodes.every((node) => pods.some((pod) => pod.spec.nodeName === node.fqdn && pod.status?.podIP === node.address))
  }
  await until("calico-node's pods", placed, 60_000, 100)
}

const bind = async (api: LabApi, pod: string, node: string): Promise<void> => {
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod, namespace: calicoNamespace },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  }
  await api.request('POST', `/api/v1/namespaces/${calicoNamespace}/pods/${pod}/binding`, binding)
}

type CalicoNodePod = LabObject & {
  readonly spec: {
    readonly nodeName?: string
    readonly affinity?: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: { matchFields: { values: string[] }[] }[] } }
    }
  }
  readonly status?: { readonly podIP?: string }
}

/** What a kubelet writes of a pod that runs and is ready. */
export const runningStatus = (ip: string, container: string, ip6?: string): Readonly<Record<string, unknown>> => ({
  phase: 'Running',
  podIP: ip,
  podIPs: [{ ip }, ...(ip6 === undefined ? [] : [{ ip: ip6 }])],
  conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True' })),
  containerStatuses: [
    {
      name: container,
      image: 'lab',
      imageID: '',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: new Date().toISOString() } },
    },
  ],
})
