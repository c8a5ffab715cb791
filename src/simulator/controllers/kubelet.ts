import { type ControlPlane, kindOf, microTimestamp, timestamp } from '../api/control-plane.ts'
import { writeObject } from '../api/write.ts'
import type { Barrier } from '../barrier.ts'
import { slept } from '../bell.ts'
import type { Link } from '../dataplane/link.ts'
import { at, fieldsOf, listOf } from '../json.ts'
import { withReady } from './node-lifecycle.ts'

/** A kubelet renews its Lease this often, in milliseconds (nodeLeaseDurationSeconds / 4). */
const leaseMs = 10_000

/** What a kubelet needs of the cluster. */
export interface KubeletSurroundings {
  readonly plane: ControlPlane
  readonly node: string
  readonly link: Link
  readonly api: Barrier
  readonly signal: AbortSignal
}

const renewLease = (plane: ControlPlane, node: string): void => {
  const kind = kindOf(plane, 'coordination.k8s.io/v1', 'Lease')
  const live = plane.store.get('leases.coordination.k8s.io', 'kube-node-lease', node)
  const spec = { holderIdentity: node, leaseDurationSeconds: 40, renewTime: microTimestamp(plane.clock) }
  const metadata = { name: node, namespace: 'kube-node-lease' }
  writeObject(plane, kind, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }, live, {
    user: `system:node:${node}`,
    manager: 'kubelet',
  })
}

const reportReady = (plane: ControlPlane, name: string): void => {
  const node = plane.store.get('nodes', undefined, name)
  if (node === undefined) return
  const ready = withReady(node, 'True', 'KubeletReady', timestamp(plane.clock))
  const call = { user: `system:node:${name}`, manager: 'kubelet', subresource: 'status' } as const
  const was = listOf(at(node, 'status', 'conditions')).some((one) => at(one, 'type') === 'Ready' && at(one, 'status') === 'True')
  if (!was) writeObject(plane, kindOf(plane, 'v1', 'Node'), ready, node, call)
}

/** Keeps a node's Lease and its Ready condition, as long as its connection to the API stands. Ends with the signal. */
export const runKubelet = async ({ plane, node, link, api, signal }: KubeletSurroundings): Promise<void> => {
  do {
    await link.whenConnected()
    await api.passed()
    if (signal.aborted || plane.store.get('nodes', undefined, node) === undefined) return
    renewLease(plane, node)
    reportReady(plane, node)
  } while (await slept(plane.clock, leaseMs, signal))
}

/** Writes the readiness of calico-node's pod on a node into its status, as its kubelet does. */
export const reportCalicoNode = (plane: ControlPlane, node: string, ready: boolean, restarts: number): void => {
  const pod = plane.store.list('pods').find((one) => one.metadata.labels?.['k8s-app'] === 'calico-node' && at(one, 'spec', 'nodeName') === node)
  if (pod === undefined) return
  const status = fieldsOf(pod['status'])
  const conditions = listOf(status['conditions']).map((one) =>
    ['Ready', 'ContainersReady'].includes(`${at(one, 'type')}`)
      ? { ...fieldsOf(one), status: ready ? 'True' : 'False', lastTransitionTime: timestamp(plane.clock) }
      : one,
  )
  const containerStatuses = listOf(status['containerStatuses']).map((one) => ({ ...fieldsOf(one), ready, restartCount: restarts }))
  const call = { user: `system:node:${node}`, manager: 'kubelet', subresource: 'status' } as const
  writeObject(plane, kindOf(plane, 'v1', 'Pod'), { ...pod, status: { ...status, conditions, containerStatuses } }, pod, call)
}
