import type { KubeObject, Metadata } from '../../calico/object.ts'
import { at, fieldsOf, listOf } from '../json.ts'
import { isBuiltInTier } from '../rules/calico-rules.ts'
import { collectionOf } from './collection.ts'
import { type ControlPlane, timestamp } from './control-plane.ts'
import type { Kind } from './kind.ts'
import { ApiFailure, forbidden, notFound } from './status.ts'

/** What becomes of the objects an object owns. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan'

/** DeleteOptions, and who asks. */
export interface DeleteCall {
  readonly user: string
  readonly dryRun?: boolean
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagation?: Propagation
}

/** The object as it was last seen, and whether it is gone or waits for its finalizers. */
export interface Deleted {
  readonly object: KubeObject
  readonly gone: boolean
}

/** Finalizers kube-controller-manager's garbage collector takes off. */
export const propagationFinalizers = { Foreground: 'foregroundDeletion', Orphan: 'orphan' } as const

const precondition = (kind: Kind, name: string, what: 'UID' | 'ResourceVersion', wanted: string, found: string): ApiFailure => {
  const because = what === 'UID' ? 'The object might have been deleted and then recreated' : 'The object might have been modified'
  const subject = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const text = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ${because}`
  const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.kind }
  return new ApiFailure(409, 'Conflict', `Operation cannot be fulfilled on ${subject} "${name}": ${text}`, { details })
}

const finalizersOf = (object: KubeObject): readonly string[] => (object.metadata as Metadata & { finalizers?: readonly string[] }).finalizers ?? []

/**
 * Deletes one object: at once, or by setting its deletionTimestamp where finalizers must run first.
 * @throws ApiFailure 404, 409 for a precondition, 403 or 500 from admission
 */
export const deleteObject = (plane: ControlPlane, kind: Kind, namespace: string | undefined, name: string, call: DeleteCall): Deleted => {
  const collection = collectionOf(plane.store, kind)
  const live = collection.get(namespace, name)
  if (live === undefined) throw notFound(kind, name)
  const { uid = '', resourceVersion = '' } = live.metadata
  if (call.uid !== undefined && call.uid !== uid) throw precondition(kind, name, 'UID', call.uid, uid)
  if (call.resourceVersion !== undefined && call.resourceVersion !== resourceVersion) {
    throw precondition(kind, name, 'ResourceVersion', call.resourceVersion, resourceVersion)
  }
  if (isBuiltInTier(live)) throw forbidden(kind, name, 'the built-in tiers of Calico cannot be deleted')
  plane.admission.validate({ operation: 'DELETE', kind, object: live, user: call.user, dryRun: call.dryRun === true })
  const { propagation = 'Background' } = call
  const waiting = propagation === 'Background' ? finalizersOf(live) : [...new Set([...finalizersOf(live), propagationFinalizers[propagation]])]
  const isNamespace = kind.kind === 'Namespace' && listOf(at(live, 'spec', 'finalizers')).length > 0
  if (waiting.length === 0 && !isNamespace) {
    if (call.dryRun !== true) collection.remove(namespace, name)
    return { object: live, gone: true }
  }
  const leaving: KubeObject = {
    ...live,
    metadata: {
      ...live.metadata,
      deletionTimestamp: live.metadata.deletionTimestamp ?? timestamp(plane.clock),
      ...(live.metadata.generation === undefined ? {} : { generation: live.metadata.generation + 1 }),
      ...(isNamespace ? {} : { deletionGracePeriodSeconds: 0 }),
      ...(waiting.length === 0 ? {} : { finalizers: waiting }),
    },
    ...(isNamespace ? { status: { ...fieldsOf(live['status']), phase: 'Terminating' } } : {}),
  }
  return { object: call.dryRun === true ? leaving : collection.put(leaving), gone: false }
}
