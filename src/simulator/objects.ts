import type { KubeObject, ObjectRef } from '../calico/object.ts'
import { collectionOf } from './api/collection.ts'
import { type ControlPlane, kindOf } from './api/control-plane.ts'
import { deleteObject, type Propagation } from './api/delete.ts'
import { writeObject } from './api/write.ts'
import { plant } from './seed/plant.ts'

/** The cluster's objects behind the API's back: for scenes and assertions. Writes go through admission and validation, not through faults. */
export interface Objects {
  get(ref: ObjectRef): KubeObject | undefined
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[]
  /** Creates it, with its status. */
  create(object: KubeObject): KubeObject
  /** Replaces it by what `change` makes of it; as somebody called `intruder`, so that ownership shows. */
  update(ref: ObjectRef, change: (object: KubeObject) => KubeObject, subresource?: 'status'): KubeObject
  /** True when it was there. */
  delete(ref: ObjectRef, propagation?: Propagation): boolean
  /** Forgets past revisions: watches and continue tokens from before get 410. */
  compact(): void
}

const call = { user: 'kubernetes-admin', manager: 'intruder' }

/** The objects of a control plane. */
export const createObjects = (plane: ControlPlane): Objects => {
  const get = ({ apiVersion, kind, namespace, name }: ObjectRef): KubeObject | undefined =>
    collectionOf(plane.store, kindOf(plane, apiVersion, kind)).get(namespace, name)
  return {
    get,
    list: (apiVersion, kind, namespace) => collectionOf(plane.store, kindOf(plane, apiVersion, kind)).list(namespace),
    create: (object) => plant(plane, object),
    update: (ref, change, subresource) => {
      const live = get(ref)
      if (live === undefined) throw new Error(`${ref.kind} ${ref.name} does not exist`)
      const kind = kindOf(plane, ref.apiVersion, ref.kind)
      return writeObject(plane, kind, change(live), live, { ...call, ...(subresource === undefined ? {} : { subresource }) })
    },
    delete: ({ apiVersion, kind, namespace, name }, propagation) => {
      if (get({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) }) === undefined) return false
      deleteObject(plane, kindOf(plane, apiVersion, kind), namespace, name, {
        user: call.user,
        ...(propagation === undefined ? {} : { propagation }),
      })
      return true
    },
    compact: () => plane.store.compact(),
  }
}
