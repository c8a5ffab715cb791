import type { KubeObject } from '../../calico/object.ts'
import { type Machine, nodeName, podAddress } from './machines.ts'

const yes = (type: string, time: string) => ({ type, status: 'True', lastTransitionTime: time })

/** A Node as kubelet and calico-node leave it. */
export const nodeObject = (machine: Machine, time: string): KubeObject => {
  const { address, podCidr, controlPlane } = machine
  const name = nodeName(machine)
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        ...{ 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' },
        ...(controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      },
      annotations: {
        'projectcalico.org/IPv4Address': `${address}/24`,
        'projectcalico.org/Interfaces': JSON.stringify([{ name: 'ens160', addresses: [address] }]),
      },
    },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      conditions: [{ ...yes('Ready', time), reason: 'KubeletReady', lastHeartbeatTime: time }],
      nodeInfo: {
        kubeletVersion: 'v1.36.3',
        operatingSystem: 'linux',
        osImage: 'AlmaLinux 9.6',
        architecture: 'amd64',
        containerRuntimeVersion: 'containerd://2.1.4',
      },
    },
  }
}

interface PodSeed {
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  readonly address: string
  readonly hostNetwork?: boolean
  readonly command?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
}

/** A pod that runs on a machine. */
const podObject = (machine: Machine, pod: PodSeed, time: string): KubeObject => {
  const name = pod.name.replace(new RegExp(`-${machine.short}(\\..*)?$`), '')
  const container = {
    name,
    image: pod.image,
    ...(pod.command === undefined ? {} : { command: pod.command }),
    ...(pod.env === undefined ? {} : { env: pod.env }),
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: pod.namespace, name: pod.name, labels: pod.labels },
    spec: { nodeName: nodeName(machine), ...(pod.hostNetwork ? { hostNetwork: true } : {}), containers: [container] },
    status: {
      ...{ phase: 'Running', hostIP: machine.address, podIP: pod.address, podIPs: [{ ip: pod.address }], startTime: time },
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => yes(type, time)),
      containerStatuses: [
        { name, image: pod.image, imageID: '', ready: true, started: true, restartCount: 0, state: { running: { startedAt: time } } },
      ],
    },
  }
}

/** The pod and node selector of calico-node. */
export const calicoNodeLabels = { 'k8s-app': 'calico-node' } as const
/** calico-node's image. */
export const calicoNodeImage = 'docker.io/calico/node:v3.32.1'

/** calico-node's pod on a machine. */
export const calicoNodePod = (machine: Machine, env: PodSeed['env'], time: string): KubeObject => {
  const name = `calico-node-${machine.short}`
  const place = { namespace: 'calico-system', name, labels: calicoNodeLabels, image: calicoNodeImage, address: machine.address, hostNetwork: true }
  return podObject(machine, { ...place, ...(env === undefined ? {} : { env }) }, time)
}

/** The web server's pod on a machine. */
export const app1Pod = (machine: Machine, time: string): KubeObject =>
  podObject(
    machine,
    {
      namespace: 'app1',
      name: `app1-${machine.short}`,
      labels: { app: 'app1' },
      image: 'docker.io/library/nginx:1.29',
      address: podAddress(machine, 2),
    },
    time,
  )

/** The mirror pods of kubeadm's control plane. */
export const controlPlanePods = (machine: Machine, time: string): KubeObject[] => {
  const version = 'v1.36.3'
  const flags: Readonly<Record<string, readonly string[]>> = {
    'kube-apiserver': [
      `--advertise-address=${machine.address}`,
      '--secure-port=6443',
      '--etcd-servers=https://127.0.0.1:2379',
      '--service-cluster-ip-range=10.233.0.0/18',
    ],
    'kube-controller-manager': ['--bind-address=127.0.0.1', '--leader-elect=true'],
    'kube-scheduler': ['--bind-address=127.0.0.1', '--leader-elect=true'],
    etcd: [`--listen-client-urls=https://127.0.0.1:2379,https://${machine.address}:2379`, `--listen-peer-urls=https://${machine.address}:2380`],
  }
  return Object.entries(flags).map(([component, args]) =>
    podObject(
      machine,
      {
        ...{ namespace: 'kube-system', name: `${component}-${nodeName(machine)}`, labels: { component, tier: 'control-plane' }, hostNetwork: true },
        ...{
          image: `registry.k8s.io/${component}:${component === 'etcd' ? '3.7.3-0' : version}`,
          address: machine.address,
          command: [component, ...args],
        },
      },
      time,
    ),
  )
}
