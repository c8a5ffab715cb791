import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Binaries, hasRole } from '../binaries.ts'
import type { Layout, NodeHost } from '../layout.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { startRecorded } from '../machine/processes.ts'
import { until } from '../machine/run.ts'
import type { StateDir } from '../machine/state.ts'
import type { LabApi } from './api.ts'
import { auditFlags } from './audit.ts'

/** What every part of the cluster needs to be started. */
export interface ClusterContext {
  readonly state: StateDir
  readonly layout: Layout
  readonly binaries: Binaries
}

/** Names of the control plane's processes in the journal. */
const controlPlaneProcess = {
  etcd: 'etcd',
  apiserver: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
  scheduler: 'kube-scheduler',
} as const

/** A control plane's process on a node: the first node's has the plain name, those of others end in theirs. */
export const processOn = ({ layout }: Pick<ClusterContext, 'layout'>, node: NodeHost, role: string): string =>
  node.name === layout.nodes[0]?.name ? role : `${role}-${node.name}`

const start = (context: ClusterContext, node: NodeHost, role: string, args: readonly string[]) =>
  startRecorded(
    context.state,
    processOn(context, node, role),
    // Under the node's own host name: a leader's Lease says who it is by that.
    inNamespace(node.namespace, [
      'unshare',
      '--uts',
      'bash',
      '-c',
      'hostname "$0"; exec "$@"',
      node.name,
      join(context.binaries.controlPlane, role),
      ...args,
    ]),
  )

/** The nodes of the control plane, in their order. */
export const controlPlaneNodes = ({ nodes }: Layout): readonly NodeHost[] => nodes.filter((node) => node.controlPlane)

const several = ({ layout }: Pick<ClusterContext, 'layout'>): boolean => controlPlaneNodes(layout).length > 1

/** Starts etcd on a control-plane node's loopback; where there are several members, with a peer port on the node's address. */
export const startEtcd = (context: ClusterContext, node: NodeHost): void => {
  const peer = ({ address }: NodeHost) => `http://${address}:2380`
  const members = controlPlaneNodes(context.layout).map((member) => `${member.name}=${peer(member)}`)
  const flags = several(context) ? [`--name=${node.name}`, `--peer-url=${peer(node)}`, `--initial-cluster=${members}`] : []
  start(context, node, controlPlaneProcess.etcd, [...flags, context.state.at(processOn(context, node, 'etcd')), 'http://127.0.0.1:2379'])
}

/** Tokens for those who come without a certificate: one may do everything, `jane` nothing. */
export const labTokens = { admin: 'lab-admin', nobody: 'lab-jane' } as const

const tokenFile = (state: StateDir): string => {
  const path = state.at('pki', 'tokens.csv')
  writeFileSync(path, `${labTokens.admin},admin,admin,system:masters\n${labTokens.nobody},jane,jane\n`, { mode: 0o600 })
  return path
}

/** Starts the API server behind the node's own NIC: a bad policy really cuts it off. */
export const startApiserver = (context: ClusterContext, node: NodeHost): void => {
  const { state, layout } = context
  const pki = (name: string) => state.at('pki', name)
  start(context, node, controlPlaneProcess.apiserver, [
    '--etcd-servers=http://127.0.0.1:2379',
    '--bind-address=0.0.0.0',
    `--advertise-address=${node.address}`,
    `--secure-port=${layout.api.port}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--token-auth-file=${tokenFile(state)}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--service-cluster-ip-range=${layout.serviceCidr6 === undefined ? layout.serviceCidr : `${layout.serviceCidr},${layout.serviceCidr6}`}`,
    `--kubelet-client-certificate=${pki('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${pki('apiserver-kubelet.key')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--enable-aggregator-routing',
    `--requestheader-client-ca-file=${pki('ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    ...auditFlags(state, node.name),
  ])
}

/**
 * Starts kube-controller-manager as kubeadm does; leaders are elected where there are several. Start it after the CRDs: its garbage collector
 * looks for new kinds only every 30 s, and an owner's deadline would be kept late until then.
 */
export const startControllerManager = (context: ClusterContext, node: NodeHost, options: { readonly monitorsNodes: boolean }): void => {
  const { state } = context
  const kubeconfig = state.at('pki', 'controller-manager.kubeconfig')
  start(context, node, controlPlaneProcess.controllerManager, [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--service-account-private-key-file=${state.at('pki', 'sa.key')}`,
    `--root-ca-file=${state.at('pki', 'ca.crt')}`,
    '--use-service-account-credentials',
    `--leader-elect=${several(context)}`,
    '--allocate-node-cidrs=false',
    ...(options.monitorsNodes ? [] : ['--node-monitor-grace-period=24h']),
  ])
}

/** Whether there is a scheduler to bind DaemonSet pods; without one the harness binds them. */
export const hasScheduler = ({ binaries }: Pick<ClusterContext, 'binaries'>): boolean => hasRole(binaries, controlPlaneProcess.scheduler)

/** Starts kube-scheduler: a node that joins gets its calico-node pod with nobody's help. */
export const startScheduler = (context: ClusterContext, node: NodeHost): void => {
  const kubeconfig = context.state.at('pki', 'scheduler.kubeconfig')
  start(context, node, controlPlaneProcess.scheduler, [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--leader-elect=${several(context)}`,
  ])
}

/** Waits until the API server says it is ready. */
export const apiReady = async (api: LabApi): Promise<void> => {
  await until('the API server', async () => (await api.request('GET', '/readyz', undefined, undefined, 2000)).status === 200, 90_000, 100)
}
