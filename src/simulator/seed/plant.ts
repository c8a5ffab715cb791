import type { KubeObject } from '../../calico/object.ts'
import { collectionOf } from '../api/collection.ts'
import { type ControlPlane, kindOf } from '../api/control-plane.ts'
import { writeObject } from '../api/write.ts'

const call = { user: 'kubernetes-admin', manager: 'cluster-setup' }

/** Creates an object with its status, and with the uid it asks for. Admission and validation see it as any other write. */
export const plant = (plane: ControlPlane, object: KubeObject): KubeObject => {
  const kind = kindOf(plane, object.apiVersion, object.kind)
  const { uid, ...metadata } = object.metadata
  const created = writeObject(plane, kind, { ...object, metadata }, undefined, call)
  const known = uid === undefined ? created : collectionOf(plane.store, kind).put({ ...created, metadata: { ...created.metadata, uid } })
  if (!kind.statusEndpoint || object['status'] === undefined) return known
  return writeObject(plane, kind, { ...known, status: object['status'] }, known, { ...call, subresource: 'status' })
}
