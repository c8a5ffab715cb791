import type { KubeObject } from '../../calico/object.ts'
import { collectionOf } from '../api/collection.ts'
import { type ControlPlane, kindOf } from '../api/control-plane.ts'
import { writeObject } from '../api/write.ts'
import { at, type Fields, fieldsOf, listOf, sameJson, textAt } from '../json.ts'
import { type Controller, forEachObject } from './controller.ts'

const call = { user: 'system:serviceaccount:kube-system:endpointslice-controller', manager: 'kube-controller-manager' }

const isReady = (pod: KubeObject): boolean =>
  listOf(at(pod, 'status', 'conditions')).some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True')

const isSelected = (pod: KubeObject, selector: Fields): boolean =>
  Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value)

/** A pod counts from the moment it has an address; whether it is ready matters only where the Service does not publish unready addresses. */
const endpointOf = (pod: KubeObject, publish: boolean): Fields => ({
  addresses: [textAt(pod, 'status', 'podIP')],
  conditions: { ready: publish || isReady(pod), serving: isReady(pod), terminating: false },
  nodeName: textAt(pod, 'spec', 'nodeName'),
  targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
})

const portsOf = (service: KubeObject): Fields[] =>
  listOf(at(service, 'spec', 'ports')).map((port) => ({
    name: textAt(port, 'name') ?? '',
    port: at(port, 'targetPort') ?? at(port, 'port'),
    protocol: textAt(port, 'protocol') ?? 'TCP',
  }))

const sync = (plane: ControlPlane, service: KubeObject, pods: readonly KubeObject[]): void => {
  const { namespace = '', name, uid = '' } = service.metadata
  const kind = kindOf(plane, 'discovery.k8s.io/v1', 'EndpointSlice')
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }
  const publish = at(service, 'spec', 'publishNotReadyAddresses') === true
  const chosen = pods.filter((pod) => pod.metadata.namespace === namespace && isSelected(pod, fieldsOf(at(service, 'spec', 'selector'))))
  const endpoints = chosen.filter((pod) => textAt(pod, 'status', 'podIP') !== undefined).map((pod) => endpointOf(pod, publish))
  const slices = collectionOf(plane.store, kind).list(namespace)
  const live = slices.find((one) => (one.metadata.ownerReferences ?? []).some((reference) => reference.uid === uid))
  const labels = { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
  const content = { addressType: 'IPv4', endpoints, ports: portsOf(service) }
  if (live !== undefined && Object.entries(content).every(([field, value]) => sameJson(live[field], value))) return
  const metadata = live?.metadata ?? { namespace, name: `${name}-${plane.ids.suffix()}`, labels, ownerReferences: [owner] }
  writeObject(plane, kind, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, ...content }, live, call)
}

/** Keeps the EndpointSlice of every Service with a selector (pkg/controller/endpointslice): one slice, IPv4. */
export const endpointSliceController: Controller = {
  name: 'endpoint-slices',
  interested: ({ resource }) => ['services', 'pods', 'endpointslices.discovery.k8s.io'].includes(resource),
  reconcile: (plane) => {
    const pods = plane.store.list('pods')
    return forEachObject(plane.store.list('services'), (service) => {
      const selector = fieldsOf(at(service, 'spec', 'selector'))
      if (Object.keys(selector).length > 0) sync(plane, service, pods)
      return undefined
    })
  },
}
