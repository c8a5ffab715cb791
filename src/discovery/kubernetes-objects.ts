import type { KubeObject } from '../calico/object.ts'
import { resourceOf } from '../calico/resources.ts'
import type { ApiServiceObject, ConfigMapObject, EndpointSliceObject, PodObject, ServiceCidrObject, ServiceObject } from './kube-objects.ts'
import type { Reader } from './reader.ts'

/** What Kubernetes itself says, read at once. Lists that are not shown are empty here and named in the reader's notes. */
export interface KubernetesObjects {
  readonly version: string
  readonly nodes: readonly KubeObject[]
  readonly services: readonly ServiceObject[]
  readonly endpointSlices: readonly EndpointSliceObject[]
  readonly serviceCidrs: readonly ServiceCidrObject[]
  readonly apiServerPods: readonly PodObject[]
  readonly kubeProxyPods: readonly PodObject[]
  readonly kubeadmConfig: ConfigMapObject | undefined
  readonly kubeProxyConfig: ConfigMapObject | undefined
  readonly clusterInfo: ConfigMapObject | undefined
  /** ConfigMaps kubernetes-services-endpoint, which tell Calico where the API is. */
  readonly serviceEndpoints: readonly ConfigMapObject[]
  readonly webhooks: readonly KubeObject[]
  /** Undefined where they are not shown. */
  readonly apiServices: readonly ApiServiceObject[] | undefined
}

/** @throws FwError when Nodes cannot be read */
export const readKubernetes = async (reader: Reader): Promise<KubernetesObjects> => {
  const configMap = (namespace: string, name: string): Promise<ConfigMapObject | undefined> =>
    reader.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }) as Promise<ConfigMapObject | undefined>
  const systemPods = (component: string): Promise<PodObject[]> =>
    listOf<PodObject>(reader.list(resourceOf('v1', 'Pod'), { namespace: 'kube-system', labelSelector: component }))
  const webhooksOf = (kind: string): Promise<KubeObject[]> => listOf(reader.list(resourceOf('admissionregistration.k8s.io/v1', kind)))
  const [
    version,
    nodes,
    services,
    endpointSlices,
    serviceCidrs,
    apiServerPods,
    rke2Proxies,
    kubeadmProxies,
    validating,
    mutating,
    apiServices,
    maps,
  ] = await Promise.all([
    reader.api.request('GET', '/version'),
    reader.require(resourceOf('v1', 'Node')),
    listOf<ServiceObject>(reader.list(resourceOf('v1', 'Service'))),
    listOf<EndpointSliceObject>(reader.list(resourceOf('discovery.k8s.io/v1', 'EndpointSlice'))),
    listOf<ServiceCidrObject>(reader.list(resourceOf('networking.k8s.io/v1', 'ServiceCIDR'))),
    systemPods('component=kube-apiserver'),
    systemPods('component=kube-proxy'),
    systemPods('k8s-app=kube-proxy'),
    webhooksOf('ValidatingWebhookConfiguration'),
    webhooksOf('MutatingWebhookConfiguration'),
    reader.list(resourceOf('apiregistration.k8s.io/v1', 'APIService')) as Promise<ApiServiceObject[] | undefined>,
    Promise.all([
      configMap('kube-system', 'kubeadm-config'),
      configMap('kube-system', 'kube-proxy'),
      configMap('kube-public', 'cluster-info'),
      configMap('tigera-operator', 'kubernetes-services-endpoint'),
      configMap('kube-system', 'kubernetes-services-endpoint'),
    ]),
  ])
  const [kubeadmConfig, kubeProxyConfig, clusterInfo, ...serviceEndpoints] = maps
  return {
    version: (version as { readonly gitVersion?: string }).gitVersion ?? 'unknown',
    nodes,
    services,
    endpointSlices,
    serviceCidrs,
    apiServerPods,
    kubeProxyPods: [...rke2Proxies, ...kubeadmProxies],
    kubeadmConfig,
    kubeProxyConfig,
    clusterInfo,
    serviceEndpoints: serviceEndpoints.filter((map) => map !== undefined),
    webhooks: [...validating, ...mutating],
    apiServices,
  }
}

const listOf = async <Kind extends KubeObject>(listing: Promise<KubeObject[] | undefined>): Promise<Kind[]> => ((await listing) ?? []) as Kind[]
