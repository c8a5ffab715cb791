import type { KubeObject } from '../../calico/object.ts'
import { type ControlPlane, kindOf, timestamp } from '../api/control-plane.ts'
import { writeObject } from '../api/write.ts'
import { at, fieldsOf, listOf, textAt } from '../json.ts'
import { type Controller, forEachObject } from './controller.ts'

const call = { user: 'system:serviceaccount:kube-system:node-controller', manager: 'kube-controller-manager', subresource: 'status' } as const

/** kube-controller-manager's `--node-monitor-grace-period`, in milliseconds (default of 1.36: 50 s). */
const graceMs = 50_000
const periodMs = 5000

/** The node with another Ready condition; its transition time moves only when the status does. */
export const withReady = (node: KubeObject, status: 'True' | 'False' | 'Unknown', reason: string, time: string): KubeObject => {
  const conditions = listOf(at(node, 'status', 'conditions'))
  const before = conditions.find((one) => textAt(one, 'type') === 'Ready')
  const changed = textAt(before, 'status') !== status
  const ready = {
    ...fieldsOf(before),
    ...{ type: 'Ready', status, reason, lastHeartbeatTime: time },
    lastTransitionTime: changed ? time : (textAt(before, 'lastTransitionTime') ?? time),
  }
  const others = conditions.filter((one) => textAt(one, 'type') !== 'Ready')
  return { ...node, status: { ...fieldsOf(node['status']), conditions: [...others, ready] } }
}

const readyOf = (node: KubeObject): string | undefined =>
  textAt(
    listOf(at(node, 'status', 'conditions')).find((one) => textAt(one, 'type') === 'Ready'),
    'status',
  )

const sync = (plane: ControlPlane, node: KubeObject): void => {
  const lease = plane.store.get('leases.coordination.k8s.io', 'kube-node-lease', node.metadata.name)
  const renewed = Date.parse(textAt(lease, 'spec', 'renewTime') ?? node.metadata.creationTimestamp ?? '')
  if (plane.clock.wall().getTime() - renewed < graceMs || readyOf(node) === 'Unknown') return
  const silent = withReady(node, 'Unknown', 'NodeStatusUnknown', timestamp(plane.clock))
  writeObject(plane, kindOf(plane, 'v1', 'Node'), silent, node, call)
}

/** Marks nodes whose kubelet no longer renews its Lease as Unknown (pkg/controller/nodelifecycle). */
export const nodeLifecycleController: Controller = {
  name: 'node-lifecycle',
  interested: () => false,
  reconcile: (plane) => {
    forEachObject(plane.store.list('nodes'), (node) => {
      sync(plane, node)
      return undefined
    })
    return periodMs
  },
}
