import { collectionOf } from '../api/collection.ts'
import { isReachable } from '../api/control-plane.ts'
import { deleteObject } from '../api/delete.ts'
import { type Controller, forEachObject, soonest } from './controller.ts'

const user = 'system:serviceaccount:kube-system:namespace-controller'
const retryMs = 1000

/**
 * Empties namespaces that are being deleted, and then lets them go. One behind an API group that does not answer stays Terminating
 * (calico#7555 is such a story).
 */
export const namespaceController: Controller = {
  name: 'namespaces',
  interested: ({ resource, object }) => resource === 'namespaces' && object.metadata.deletionTimestamp !== undefined,
  reconcile: (plane) => {
    const leaving = plane.store.list('namespaces').filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    return forEachObject(leaving, ({ metadata: { name } }) => {
      const kinds = plane.kinds.filter(({ namespaced }) => namespaced)
      const waits = kinds
        .filter((kind) => isReachable(plane, kind))
        .map((kind) =>
          forEachObject(collectionOf(plane.store, kind).list(name), (object) => {
            if (object.metadata.deletionTimestamp === undefined) deleteObject(plane, kind, name, object.metadata.name, { user })
            return undefined
          }),
        )
      const left = kinds.some((kind) => !isReachable(plane, kind) || collectionOf(plane.store, kind).list(name).length > 0)
      if (!left) plane.store.remove('namespaces', undefined, name)
      return soonest(left ? retryMs : undefined, ...waits)
    })
  },
}
