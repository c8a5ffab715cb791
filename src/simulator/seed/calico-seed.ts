import type { KubeObject } from '../../calico/object.ts'
import { allResources, apiVersionOf, storage, v3 } from '../../calico/resources.ts'
import type { Flavour } from '../../firewall/facts/facts.ts'
import { calicoNodeImage, calicoNodeLabels } from './node-objects.ts'

const available = (status: 'True' | 'False', reason: string) => ({ conditions: [{ type: 'Available', status, reason }] })

/** The APIService behind `projectcalico.org/v3`: a Service where Calico's own API server serves it, local where CRDs do. */
export const calicoApiService = (flavour: Flavour, status: 'True' | 'False' = 'True'): KubeObject => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v3.projectcalico.org' },
  spec: {
    ...{ group: 'projectcalico.org', version: 'v3', groupPriorityMinimum: 1500, versionPriority: 200 },
    ...(flavour === 'aggregated' ? { service: { namespace: 'calico-system', name: 'calico-api', port: 443 } } : {}),
  },
  status: available(status, status === 'True' ? (flavour === 'aggregated' ? 'Passed' : 'Local') : 'FailedDiscoveryCheck'),
})

const definition = ({ group, version, kind, plural, namespaced }: (typeof allResources)[number]): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    ...{ group, scope: namespaced ? 'Namespaced' : 'Cluster', names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` } },
    versions: [{ name: version, served: true, storage: true }],
  },
  status: { conditions: [{ type: 'Established', status: 'True' }] },
})

/** The environment of calico-node: its datastore, and that pods reach their own node, as Calico's manifests and operator have it. */
export const calicoNodeEnv = (flavour: Flavour) => [
  { name: 'DATASTORE_TYPE', value: flavour === 'etcd' ? 'etcdv3' : 'kubernetes' },
  { name: 'FELIX_DEFAULTENDPOINTTOHOSTACTION', value: 'ACCEPT' },
]

const daemonSet = (flavour: Flavour, nodes: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { namespace: 'calico-system', name: 'calico-node', labels: calicoNodeLabels },
  spec: {
    selector: { matchLabels: calicoNodeLabels },
    template: {
      metadata: { labels: calicoNodeLabels },
      spec: { hostNetwork: true, containers: [{ name: 'calico-node', image: calicoNodeImage, env: calicoNodeEnv(flavour) }] },
    },
  },
  status: { desiredNumberScheduled: nodes, currentNumberScheduled: nodes, updatedNumberScheduled: nodes, numberReady: nodes, numberAvailable: nodes },
})

/** Calico's own objects in a fresh cluster: the configuration, the pool, the tiers, and how its API is served. */
export const calicoObjects = (flavour: Flavour, nodes: number): KubeObject[] => {
  if (flavour === 'etcd') return [daemonSet(flavour, nodes)]
  const apiVersion = flavour === 'storage' || flavour === 'migrating' ? storage : v3
  const calico = (kind: string, name: string, spec: Readonly<Record<string, unknown>>): KubeObject => ({ apiVersion, kind, metadata: { name }, spec })
  const pool = {
    cidr: '10.233.64.0/18',
    blockSize: 26,
    ipipMode: 'Never',
    vxlanMode: 'Never',
    natOutgoing: true,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
  }
  const crdGroup = flavour === 'native' ? 'projectcalico.org' : 'crd.projectcalico.org'
  const crds = allResources.filter((resource) => apiVersionOf(resource).startsWith(`${crdGroup}/`) && resource.kind !== 'Profile')
  return [
    daemonSet(flavour, nodes),
    ...crds.map(definition),
    ...(flavour === 'storage' ? [] : [calicoApiService(flavour)]),
    calico('ClusterInformation', 'default', { calicoVersion: 'v3.32.1', clusterGUID: '9c2f3f3a64b14bb1a1b8d5e0f9c6a001', datastoreReady: true }),
    calico('FelixConfiguration', 'default', { logSeverityScreen: 'Info' }),
    calico('IPPool', 'default-ipv4-ippool', pool),
    calico('Tier', 'kube-admin', { order: 1000, defaultAction: 'Pass' }),
    calico('Tier', 'default', { order: 1_000_000, defaultAction: 'Deny' }),
    calico('Tier', 'kube-baseline', { order: 10_000_000, defaultAction: 'Pass' }),
    ...(flavour === 'aggregated'
      ? [calico('Profile', 'projectcalico-default-allow', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] })]
      : []),
  ]
}
