import type { KubeObject } from '../../calico/object.ts'
import type { ProxyMode } from '../../firewall/facts/facts.ts'
import { homeAddresses } from './machines.ts'

const apiServer = `https://${homeAddresses.apiVip}:${homeAddresses.apiVipPort}`

const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
})

const kubeconfig = `apiVersion: v1
kind: Config
clusters:
- name: default
  cluster:
    server: ${apiServer}
`

const kubeadm = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: home
kubernetesVersion: v1.36.3
controlPlaneEndpoint: ${homeAddresses.apiVip}:${homeAddresses.apiVipPort}
networking:
  dnsDomain: cluster.local
  podSubnet: 10.233.64.0/18
  serviceSubnet: 10.233.0.0/18
`

const kubeProxy = (mode: string): string => `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
clusterCIDR: 10.233.64.0/18
mode: ${JSON.stringify(mode)}
`

/** What kubeadm leaves behind: namespaces and the ConfigMaps that tell where the API is and how kube-proxy runs. */
export const systemObjects = (proxyMode: ProxyMode): KubeObject[] => [
  ...['default', 'kube-system', 'kube-public', 'kube-node-lease', 'calico-system', 'ingress-nginx', 'app1'].map((name) => ({
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    // The uid of kube-system is how tools tell clusters apart.
    metadata: { name, ...(name === 'kube-system' ? { uid: '6f1d3c52-7a54-4c0c-9a86-9f3d2a7f0b11' } : {}) },
  })),
  configMap('kube-system', 'kubeadm-config', { ClusterConfiguration: kubeadm }),
  configMap('kube-public', 'cluster-info', { kubeconfig }),
  ...(proxyMode === 'none' ? [] : [configMap('kube-system', 'kube-proxy', { 'config.conf': kubeProxy(proxyMode), 'kubeconfig.conf': kubeconfig })]),
  { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.233.0.0/18'] } },
]

/** Where Calico is told that a balancer stands before the API. */
export const balancerObjects: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tigera-operator' } },
  configMap('tigera-operator', 'kubernetes-services-endpoint', {
    KUBERNETES_SERVICE_HOST: homeAddresses.balancer,
    KUBERNETES_SERVICE_PORT: '6443',
  }),
]
