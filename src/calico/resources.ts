import type { ObjectRef } from './object.ts'

/** Where a kind lives in the API. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const resource = (apiVersion: string, kind: string, plural: string, namespaced = false): Resource => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return { group, version, kind, plural, namespaced }
}

/** The API group users and Calico's own API server speak: `projectcalico.org/v3`. */
export const v3 = 'projectcalico.org/v3'
/** Calico's storage CRDs, behind the aggregated API or alone: `crd.projectcalico.org/v1`. */
export const storage = 'crd.projectcalico.org/v1'

const calicoKinds = [
  ['BGPConfiguration', 'bgpconfigurations'],
  ['BGPPeer', 'bgppeers'],
  ['BlockAffinity', 'blockaffinities'],
  ['ClusterInformation', 'clusterinformations'],
  ['FelixConfiguration', 'felixconfigurations'],
  ['GlobalNetworkPolicy', 'globalnetworkpolicies'],
  ['GlobalNetworkSet', 'globalnetworksets'],
  ['HostEndpoint', 'hostendpoints'],
  ['IPPool', 'ippools'],
  ['KubeControllersConfiguration', 'kubecontrollersconfigurations'],
  ['NetworkPolicy', 'networkpolicies', true],
  ['NetworkSet', 'networksets', true],
  ['Profile', 'profiles'],
  ['StagedGlobalNetworkPolicy', 'stagedglobalnetworkpolicies'],
  ['Tier', 'tiers'],
] as const

/** Every resource this tool reads or writes. */
export const allResources: readonly Resource[] = [
  ...[v3, storage].flatMap((group) => calicoKinds.map(([kind, plural, namespaced]) => resource(group, kind, plural, namespaced ?? false))),
  resource('v1', 'ConfigMap', 'configmaps', true),
  resource('v1', 'Namespace', 'namespaces'),
  resource('v1', 'Node', 'nodes'),
  resource('v1', 'Pod', 'pods', true),
  resource('v1', 'Service', 'services', true),
  resource('v1', 'Endpoints', 'endpoints', true),
  resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', true),
  resource('apps/v1', 'DaemonSet', 'daemonsets', true),
  resource('apps/v1', 'Deployment', 'deployments', true),
  resource('apps/v1', 'StatefulSet', 'statefulsets', true),
  resource('metallb.io/v1beta2', 'BGPPeer', 'bgppeers', true),
  resource('batch/v1', 'Job', 'jobs', true),
  resource('coordination.k8s.io/v1', 'Lease', 'leases', true),
  resource('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs'),
  resource('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations'),
  resource('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations'),
  resource('apiregistration.k8s.io/v1', 'APIService', 'apiservices'),
  resource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions'),
]

const byKey = new Map(allResources.map((known) => [`${apiVersionOf(known)}/${known.kind}`, known]))

/** `group/version`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`
}

/** The resource of a kind. A kind outside the table is a bug, not a user's mistake. */
export const resourceOf = (apiVersion: string, kind: string): Resource => {
  const found = byKey.get(`${apiVersion}/${kind}`)
  if (found === undefined) throw new Error(`no resource known for ${apiVersion} ${kind}`)
  return found
}

/** The URL path of a collection, with or without its namespace. */
export const collectionPath = (of: Resource, namespace?: string): string => {
  const root = of.group === '' ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`
  return namespace === undefined ? `${root}/${of.plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${of.plural}`
}

/** The URL path of one object. */
export const objectPath = (ref: ObjectRef): string =>
  `${collectionPath(resourceOf(ref.apiVersion, ref.kind), ref.namespace)}/${encodeURIComponent(ref.name)}`
