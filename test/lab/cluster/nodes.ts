import { join } from 'node:path'
import { hasRole } from '../binaries.ts'
import type { NodeHost } from '../layout.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { startRecorded } from '../machine/processes.ts'
import { run, until } from '../machine/run.ts'
import { inSandbox, type Sandbox } from '../machine/sandbox.ts'
import type { Variant } from '../options.ts'
import type { LabApi } from './api.ts'
import type { ClusterContext } from './control-plane.ts'

const present = (...texts: readonly (string | undefined)[]): string[] => texts.filter((text) => text !== undefined)

/** What calico-node writes on its Node when it starts. */
const annotationsOf = (node: NodeHost): Readonly<Record<string, string>> => ({
  'projectcalico.org/IPv4Address': `${node.address}/24`,
  ...(node.address6 === undefined ? {} : { 'projectcalico.org/IPv6Address': `${node.address6}/64` }),
  'projectcalico.org/Interfaces': JSON.stringify([
    { name: node.nic, addresses: [node.address, ...present(node.address6)] },
    ...(node.second === undefined ? [] : [{ name: node.second.nic, addresses: [node.second.address] }]),
  ]),
})

/**
 * Leaves the chains a kubelet leaves. Felix chooses the iptables backend in whose mangle table it finds one of them,
 * whatever its own configuration says of detection.
 */
export const hintBackend = async (sandbox: Sandbox): Promise<void> => {
  const chains = [
    'iptables -w -t mangle -N KUBE-IPTABLES-HINT',
    'iptables -w -t mangle -N KUBE-KUBELET-CANARY',
    'ip6tables -w -t mangle -N KUBE-KUBELET-CANARY',
  ]
  await run(inSandbox(sandbox, ['bash', '-ec', chains.join('\n')]))
}

/** Starts the node's kubelet: it registers the Node, keeps its Lease, and serves port 10250 behind the node's HostEndpoint. */
export const startKubelet = ({ state, binaries }: ClusterContext, node: NodeHost, sandbox: Sandbox): void => {
  const pki = (name: string) => state.at('pki', name)
  const annotations = Object.entries(annotationsOf(node)).map(([key, value]) => `--annotation=${key}=${value}`)
  const kubelet = [
    join(binaries.controlPlane, 'fake-kubelet'),
    ...[
      `--node=${node.fqdn}`,
      `--ips=${present(node.address, node.address6)}`,
      `--pod-cidrs=${present(node.podCidr, node.podCidr6)}`,
      ...annotations,
    ],
    ...[`--client-ca=${pki('ca.crt')}`, `--tls-cert=${pki(`kubelet-${node.name}.crt`)}`, `--tls-key=${pki(`kubelet-${node.name}.key`)}`],
    ...[`--kubeconfig=${pki(`kubelet-${node.name}.kubeconfig`)}`, `--felix-log=${state.at('log', `felix-${node.name}.log`)}`],
  ]
  startRecorded(state, `kubelet-${node.name}`, inSandbox(sandbox, kubelet))
}

/** Whether the control-plane program has a kubelet's face. */
export const hasKubelet = ({ binaries }: ClusterContext): boolean => hasRole(binaries, 'fake-kubelet')

/** Makes the Node as a kubelet would, where there is none. */
export const seedNode = async (api: LabApi, node: NodeHost): Promise<void> => {
  const ref = { apiVersion: 'v1', kind: 'Node', name: node.fqdn }
  await api.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.fqdn, labels: { 'kubernetes.io/hostname': node.fqdn, 'kubernetes.io/os': 'linux' }, annotations: annotationsOf(node) },
    spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] },
  })
  const now = new Date().toISOString()
  await api.patch(
    ref,
    {
      status: {
        addresses: [
          { type: 'InternalIP', address: node.address },
          { type: 'Hostname', address: node.fqdn },
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        nodeInfo: {
          operatingSystem: 'linux',
          architecture: 'amd64',
          bootID: '',
          containerRuntimeVersion: '',
          kernelVersion: '',
          kubeProxyVersion: '',
          kubeletVersion: '',
          machineID: '',
          osImage: 'lab',
          systemUUID: '',
        },
        conditions: [{ type: 'Ready', status: 'True', reason: 'Lab', lastHeartbeatTime: now, lastTransitionTime: now }],
      },
    },
    'status',
  )
  await api.patch(ref, { spec: { taints: null } })
}

/** Waits for the Node, and gives it the role that NodeRestriction lets no kubelet give itself. */
export const admitNode = async (api: LabApi, node: NodeHost): Promise<void> => {
  const ref = { apiVersion: 'v1', kind: 'Node', name: node.fqdn }
  await until(`Node ${node.fqdn}`, () => api.get(ref))
  if (node.controlPlane) await api.patch(ref, { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } })
}

/** Starts the node's kube-proxy. */
export const startKubeProxy = ({ state, binaries, layout }: ClusterContext, node: NodeHost, sandbox: Sandbox, mode: Variant['proxy']): void => {
  const proxy = [
    join(binaries.controlPlane, 'kube-proxy'),
    `--kubeconfig=${state.at('pki', 'kube-proxy.kubeconfig')}`,
    `--hostname-override=${node.fqdn}`,
    `--proxy-mode=${mode}`,
    `--cluster-cidr=${present(layout.podCidr, layout.podCidr6)}`,
    // nf_conntrack_max is read-only in a network namespace that is not the first.
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--healthz-bind-address=0.0.0.0:10256',
    '--metrics-bind-address=127.0.0.1:10249',
  ]
  startRecorded(state, `kube-proxy-${node.name}`, inSandbox(sandbox, proxy))
}

/** Whether something on the node listens on a TCP port. */
export const listensOn = async (node: NodeHost, port: number): Promise<boolean> =>
  (await run(inNamespace(node.namespace, ['ss', '-Hltn', `sport = :${port}`]))) !== ''
