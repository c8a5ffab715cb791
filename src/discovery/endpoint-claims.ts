import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import type { DetectedCalico } from '../cluster/detect-calico.ts'
import type { ServiceFacts } from '../firewall/facts/facts.ts'
import { type Claim, claimOf, serviceHostClaim } from './api-endpoints.ts'
import { type Kubeadm, podFlag, serverIn } from './control-plane.ts'
import type { PodObject, WorkloadObject } from './kube-objects.ts'
import type { KubernetesObjects } from './kubernetes-objects.ts'
import { endpointsOf } from './services.ts'

/** Everything that may name an endpoint of the API. */
export interface ClaimSources {
  readonly context: { readonly server: string }
  readonly kubernetes: KubernetesObjects
  readonly kubeadm: Kubeadm | undefined
  readonly detected: DetectedCalico
  /** Deployment calico-typha. */
  readonly typha: KubeObject | undefined
  readonly apiEndpoints: ServiceFacts['endpoints']
}

/** All sources that name an endpoint of the API, and Typha's own: what policy judges is who dials whom, and everybody may have been told another address. */
export const endpointClaims = ({ context, kubernetes, kubeadm, detected, typha, apiEndpoints }: ClaimSources): Claim[] => {
  const { calicoNode, namespace } = detected
  return [
    // Whoever dials the kubernetes Service arrives here: Felix and Typha do unless they are told otherwise.
    ...apiEndpoints.flatMap(({ address, ports }) =>
      ports.map(({ port }) => ({ host: address, port, source: 'EndpointSlice default/kubernetes', byFelix: true })),
    ),
    ...kubernetes.serviceEndpoints.flatMap((map) => serviceHostClaim(map.data ?? {}, formatRef(refOf(map)))),
    ...serviceHostClaim(calicoNode?.env ?? {}, `environment of calico-node in ${namespace}`),
    ...serviceHostClaim(environmentOf(typha), `Deployment ${namespace}/calico-typha`),
    ...endpointsOf(kubernetes.endpointSlices, namespace, 'calico-typha').flatMap(({ address, ports }) =>
      ports.map(({ port }) => ({ host: address, port, source: `EndpointSlice ${namespace}/calico-typha`, byFelix: true, isTypha: true })),
    ),
    ...claimOf(serverIn(kubernetes.kubeProxyConfig, 'kubeconfig.conf'), 443, 'ConfigMap kube-system/kube-proxy'),
    ...claimOf(kubeadm?.controlPlaneEndpoint, 6443, 'ConfigMap kube-system/kubeadm-config'),
    ...claimOf(serverIn(kubernetes.clusterInfo, 'kubeconfig'), 443, 'ConfigMap kube-public/cluster-info'),
    ...kubernetes.apiServerPods.flatMap(apiServerClaim),
    ...claimOf(context.server, context.server.startsWith('http:') ? 80 : 443, 'kubeconfig'),
  ]
}

const environmentOf = (workload: KubeObject | undefined): Readonly<Record<string, string | undefined>> => {
  const containers = (workload as WorkloadObject | undefined)?.spec?.template?.spec?.containers ?? []
  return Object.fromEntries(containers.flatMap(({ env = [] }) => env.map(({ name, value }) => [name, value])))
}

const apiServerClaim = (pod: PodObject): Claim[] => {
  const host = podFlag(pod, 'advertise-address') ?? pod.status?.hostIP
  const port = Number(podFlag(pod, 'secure-port') ?? '6443')
  return host === undefined ? [] : [{ host, port, source: `pod kube-system/${pod.metadata.name}`, byFelix: false }]
}
