import type { KubeObject } from '../../calico/object.ts'
import type { ControlPlane } from '../api/control-plane.ts'
import { ApiFailure } from '../api/status.ts'
import type { StoreEvent } from '../api/store.ts'

/** The names of kube-controller-manager's loops that matter here. */
export type ControllerName = 'jobs' | 'ttl-after-finished' | 'garbage-collector' | 'endpoint-slices' | 'namespaces' | 'node-lifecycle'

/** One loop of kube-controller-manager: looks at everything it cares for and mends it. */
export interface Controller {
  readonly name: ControllerName
  /** Whether an event is worth a look. */
  readonly interested: (event: StoreEvent) => boolean
  /** Mends what it finds. Milliseconds until it wants to look again though nothing happened; undefined for never. */
  readonly reconcile: (plane: ControlPlane) => number | undefined
}

/** How soon a controller tries again what the API refused. */
const retryMs = 1000

/** The soonest of several wishes. */
export const soonest = (...waits: (number | undefined)[]): number | undefined => {
  const wanted = waits.filter((wait) => wait !== undefined)
  return wanted.length === 0 ? undefined : Math.min(...wanted)
}

/** Does one thing per object. What the API refuses (a webhook, a conflict) is tried again a second later; the others are done all the same. */
export const forEachObject = (objects: readonly KubeObject[], mend: (object: KubeObject) => number | undefined): number | undefined =>
  soonest(
    ...objects.map((object) => {
      try {
        return mend(object)
      } catch (error) {
        if (error instanceof ApiFailure) return retryMs
        throw error
      }
    }),
  )
