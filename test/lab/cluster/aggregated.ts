import type { NodeHost } from '../layout.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { startRecorded } from '../machine/processes.ts'
import { until } from '../machine/run.ts'
import type { LabApi } from './api.ts'
import type { ClusterContext } from './control-plane.ts'

const namespace = 'calico-apiserver'
const port = 5443

/** Starts Calico's own API server on a control-plane node and registers it for projectcalico.org/v3. */
export const startAggregatedApi = async ({ state, binaries }: ClusterContext, api: LabApi, node: NodeHost): Promise<void> => {
  if (binaries.calicoApiserver === undefined) throw new Error('the aggregated flavour needs CALICO_APISERVER')
  const pki = (name: string) => state.at('pki', name)
  const kubeconfig = pki('calico-local.kubeconfig')
  const server = [
    binaries.calicoApiserver,
    `--secure-port=${port}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    ...['--kubeconfig', '--authentication-kubeconfig', '--authorization-kubeconfig'].map((flag) => `${flag}=${kubeconfig}`),
  ]
  startRecorded(state, 'calico-apiserver', inNamespace(node.namespace, server), {
    ...process.env,
    DATASTORE_TYPE: 'kubernetes',
    KUBECONFIG: kubeconfig,
    CALICO_API_GROUP: 'crd.projectcalico.org/v1',
  })
  const name = 'calico-api'
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await api.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
  })
  await api.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [node.address], conditions: { ready: true } }],
  })
  await letControllersRead(api)
  await api.apply({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v3.projectcalico.org' },
    spec: {
      group: 'projectcalico.org',
      version: 'v3',
      groupPriorityMinimum: 1500,
      versionPriority: 200,
      insecureSkipTLSVerify: true,
      service: { name, namespace, port: 443 },
    },
  })
  await until(
    "Calico's API server",
    async () => JSON.stringify((await api.request('GET', '/apis/projectcalico.org/v3')).body).includes('hostendpoints'),
    90_000,
    200,
  )
}

/**
 * What every Calico installation grants beside its API server (calico-tier-getter): kube-controller-manager's informers run as a user that may list
 * everything and get little, and a list of policies needs `get` on their tiers. Without it the garbage collector waits 30 s for monitors that never come.
 */
const letControllersRead = async (api: LabApi): Promise<void> => {
  const rbac = 'rbac.authorization.k8s.io'
  const name = 'calico-tier-getter'
  await api.apply({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ apiGroups: ['projectcalico.org'], resources: ['tiers'], verbs: ['get'] }],
  })
  await api.apply({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
    subjects: [{ apiGroup: rbac, kind: 'User', name: 'system:kube-controller-manager' }],
  })
}
