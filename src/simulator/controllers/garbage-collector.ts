import type { KubeObject, Metadata, OwnerReference } from '../../calico/object.ts'
import { collectionOf } from '../api/collection.ts'
import { type ControlPlane, findKind, isReachable } from '../api/control-plane.ts'
import { deleteObject, propagationFinalizers } from '../api/delete.ts'
import type { Kind } from '../api/kind.ts'
import { writeObject } from '../api/write.ts'
import { type Controller, forEachObject, soonest } from './controller.ts'

const user = 'system:serviceaccount:kube-system:generic-garbage-collector'

/** How soon it tries again what an API group that does not answer kept from it, in milliseconds. */
const retryMs = 2000

interface Found {
  readonly kind: Kind
  readonly object: KubeObject
}

/** Everything the collector can see. Objects behind an API group that does not answer are out of its reach. */
const everything = (plane: ControlPlane): Found[] =>
  plane.kinds
    .filter((kind) => isReachable(plane, kind))
    .flatMap((kind) =>
      collectionOf(plane.store, kind)
        .list()
        .map((object) => ({ kind, object })),
    )

const ownersOf = ({ object }: Found): readonly OwnerReference[] => object.metadata.ownerReferences ?? []

/** The owner as it stands: missing when it is gone or another of the same name; undefined when its kind cannot be looked up. */
const lookUp = (plane: ControlPlane, { object }: Found, owner: OwnerReference): 'missing' | KubeObject | undefined => {
  const kind = findKind(plane, owner.apiVersion, owner.kind)
  if (kind === undefined || !isReachable(plane, kind)) return undefined
  const found = collectionOf(plane.store, kind).get(kind.namespaced ? object.metadata.namespace : undefined, owner.name)
  return found === undefined || found.metadata.uid !== owner.uid ? 'missing' : found
}

const finalizersOf = ({ metadata }: KubeObject): readonly string[] => (metadata as Metadata & { finalizers?: readonly string[] }).finalizers ?? []

const isForeground = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined && finalizersOf(object).includes(propagationFinalizers.Foreground)

/** Deletes an object whose owners are all gone, or one that blocks an owner deleted in the foreground. */
const collect = (plane: ControlPlane, found: Found): void => {
  const { kind, object } = found
  const { namespace, name, uid = '', resourceVersion = '' } = object.metadata
  const owners = ownersOf(found).map((owner) => ({ owner, state: lookUp(plane, found, owner) }))
  const gone = owners.every(({ state }) => state === 'missing')
  const blocking = owners.some(({ owner, state }) => typeof state === 'object' && isForeground(state) && owner.blockOwnerDeletion === true)
  const kept = owners.some(({ state }) => state === undefined || (typeof state === 'object' && !isForeground(state)))
  if (gone || (blocking && !kept)) deleteObject(plane, kind, namespace, name, { user, uid, resourceVersion })
}

/** Takes the collector's finalizers off an object that is leaving: after its blocking dependents, or after letting go of its orphans. */
const release = (plane: ControlPlane, { kind, object }: Found, all: readonly Found[]): void => {
  const dependents = all.filter((one) => ownersOf(one).some(({ uid }) => uid === object.metadata.uid))
  const mine = Object.values(propagationFinalizers) as readonly string[]
  const [foreground, orphan] = [isForeground(object), finalizersOf(object).includes(propagationFinalizers.Orphan)]
  if (!foreground && !orphan) return
  const blocked = dependents.some((one) => ownersOf(one).some((owner) => owner.uid === object.metadata.uid && owner.blockOwnerDeletion === true))
  if (foreground && blocked) return
  const call = { user, manager: 'kube-controller-manager' }
  for (const dependent of orphan ? dependents : []) {
    const left = ownersOf(dependent).filter(({ uid }) => uid !== object.metadata.uid)
    const { ownerReferences: _owners, ...metadata } = dependent.object.metadata
    const freed = { ...dependent.object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } } as KubeObject
    writeObject(plane, dependent.kind, freed, dependent.object, call)
  }
  const finalizers = finalizersOf(object).filter((one) => !mine.includes(one))
  const { finalizers: _mine, ...metadata } = object.metadata as Metadata & { finalizers?: readonly string[] }
  writeObject(plane, kind, { ...object, metadata: { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers }) } as Metadata }, object, call)
}

/** Deletes what its owners left behind (pkg/controller/garbagecollector): by uid, through admission like everybody else. */
export const garbageCollector: Controller = {
  name: 'garbage-collector',
  interested: ({ type, object, previous }) =>
    type === 'DELETED' ||
    object.metadata.ownerReferences !== undefined ||
    previous?.metadata.ownerReferences !== undefined ||
    finalizersOf(object).length > 0,
  reconcile: (plane) => {
    const seen = everything(plane)
    const byObject = new Map(seen.map((found) => [found.object, found]))
    const each = (mend: (found: Found) => void, of: readonly Found[]): number | undefined =>
      forEachObject(
        of.map(({ object }) => object),
        (object) => {
          const found = byObject.get(object)
          if (found !== undefined) mend(found)
          return undefined
        },
      )
    const collected = each(
      (found) => collect(plane, found),
      seen.filter((found) => ownersOf(found).length > 0),
    )
    const after = everything(plane)
    for (const found of after) byObject.set(found.object, found)
    const released = each(
      (found) => release(plane, found, after),
      after.filter(({ object }) => object.metadata.deletionTimestamp !== undefined),
    )
    const blind = plane.kinds.some((kind) => !isReachable(plane, kind))
    return soonest(collected, released, blind ? retryMs : undefined)
  },
}
