import type { KubeObject, Metadata } from '../../calico/object.ts'
import { apiVersionOf } from '../../calico/resources.ts'
import { applyConfiguration, trackUpdate, type Writer } from '../apply/field-manager.ts'
import { at, type Fields, listOf, numberAt, sameJson } from '../json.ts'
import { applyConflict } from './apply-conflict.ts'
import { collectionOf } from './collection.ts'
import { type ControlPlane, timestamp } from './control-plane.ts'
import { decode, refuseUntyped } from './decode.ts'
import type { Kind } from './kind.ts'
import { checkMetadata } from './names.ts'
import { checkSchema, prune } from './schema-check.ts'
import { badRequest, type Cause, conflict, invalid, modified } from './status.ts'

/** Who writes and how. */
export interface WriteCall {
  readonly user: string
  /** Field manager. */
  readonly manager: string
  readonly dryRun?: boolean
  readonly validation?: 'Strict' | 'Warn' | 'Ignore'
  readonly subresource?: 'status'
}

const writerOf = (plane: ControlPlane, kind: Kind, { manager, subresource }: WriteCall): Writer => ({
  ...{ manager, apiVersion: apiVersionOf(kind), time: timestamp(plane.clock), statusEndpoint: kind.statusEndpoint },
  ...(subresource === undefined ? {} : { subresource }),
})

/** Built-in kinds always have these, even when they are empty; so nobody owns them for being there. */
const emptyBuiltIn: Fields = { spec: { template: { spec: { containers: [] }, metadata: {} } }, status: { loadBalancer: {} } }

const grace = (kept: Metadata): object => {
  const seconds = numberAt(kept, 'deletionGracePeriodSeconds')
  return seconds === undefined ? {} : { deletionGracePeriodSeconds: seconds }
}

/** The parts of metadata only the server writes. */
const ownMetadata = (plane: ControlPlane, object: KubeObject, live: KubeObject | undefined): KubeObject => {
  const {
    resourceVersion: _guard,
    managedFields: _theirs,
    uid: _uid,
    creationTimestamp: _at,
    deletionTimestamp: _gone,
    generation: _generation,
    ...metadata
  } = object.metadata as Metadata
  const kept = live?.metadata
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: kept?.uid ?? plane.ids.uid(),
      creationTimestamp: kept?.creationTimestamp ?? timestamp(plane.clock),
      ...(kept?.deletionTimestamp === undefined ? {} : { deletionTimestamp: kept.deletionTimestamp, ...grace(kept) }),
      ...(kept?.resourceVersion === undefined ? {} : { resourceVersion: kept.resourceVersion }),
      ...(kept?.generation === undefined ? {} : { generation: kept.generation }),
    },
  }
}

/** The main endpoint leaves the status alone, the status endpoint everything else. */
const throughEndpoint = (kind: Kind, object: KubeObject, live: KubeObject | undefined, { subresource }: WriteCall): KubeObject => {
  if (!kind.statusEndpoint) return object
  if (subresource === 'status') return { ...(live ?? object), status: object['status'] }
  const { status: _status, ...rest } = object
  return (live?.['status'] === undefined ? rest : { ...rest, status: live['status'] }) as KubeObject
}

const guard = (kind: Kind, { metadata }: KubeObject, live: KubeObject | undefined): void => {
  if (live === undefined) return
  const { name, resourceVersion, uid } = metadata
  if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) throw conflict(kind, name, modified)
  if (uid !== undefined && uid !== live.metadata.uid) {
    throw conflict(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`)
  }
}

const withGeneration = [
  'Job',
  'DaemonSet',
  'Deployment',
  'CustomResourceDefinition',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'Pod',
  'EndpointSlice',
]

const numbered = (kind: Kind, object: KubeObject, live: KubeObject | undefined): KubeObject => {
  if (!kind.custom && !withGeneration.includes(kind.kind)) return object
  const content = ({ metadata: _metadata, status, ...rest }: KubeObject): Fields => (kind.statusEndpoint ? rest : { ...rest, status })
  const changed = live === undefined || !sameJson(content(object), content(live))
  const generation = (live?.metadata.generation ?? 0) + (changed ? 1 : 0)
  return { ...object, metadata: { ...object.metadata, generation } }
}

/** Values no one may change, and everything the kind's own rules find. */
const check = (kind: Kind, object: KubeObject, live: KubeObject | undefined): void => {
  const found = checkSchema(kind.schema, object).causes
  const incomplete: Cause = {
    reason: 'FieldValueInvalid',
    message:
      'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    field: '<nil>',
  }
  const schema = found.length > 0 && kind.custom ? [...found, incomplete] : found
  const own = found.length > 0 && kind.custom ? [] : (kind.check?.(object, live) ?? [])
  const causes = [...checkMetadata(kind.kind, object.metadata), ...schema, ...own]
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes)
}

/** Admission, what the server fills in, validation, and the store. An update that changes nothing writes nothing. */
const commit = (plane: ControlPlane, kind: Kind, object: KubeObject, live: KubeObject | undefined, call: WriteCall): KubeObject => {
  const operation = live === undefined ? 'CREATE' : 'UPDATE'
  const request = (of: KubeObject) => ({ operation, kind, object: of, user: call.user, dryRun: call.dryRun === true }) as const
  const admitted = plane.admission.mutate(request(object))
  const prepared = kind.prepare?.(admitted, live, plane.ids) ?? admitted
  const final = numbered(kind, prepared, live)
  check(kind, final, live)
  plane.admission.validate(request(final))
  if (live !== undefined && sameJson(final, live)) return live
  if (call.dryRun === true) return final
  const collection = collectionOf(plane.store, kind)
  const { namespace, name, deletionTimestamp, finalizers = [] } = final.metadata as Metadata & { finalizers?: readonly string[] }
  const stored = collection.put(final)
  const leaving = deletionTimestamp !== undefined && finalizers.length === 0 && listOf(at(final, 'spec', 'finalizers')).length === 0
  return leaving ? (collection.remove(namespace, name) ?? stored) : stored
}

/** POST, PUT and merge patch: `object` is the whole new state; `live` is what it replaces. */
export const writeObject = (plane: ControlPlane, kind: Kind, object: KubeObject, live: KubeObject | undefined, call: WriteCall): KubeObject => {
  guard(kind, object, live)
  const decoded = ownMetadata(plane, decode(kind, object, call.validation === 'Strict'), live)
  const through = throughEndpoint(kind, decoded, live, call)
  const defaulted = kind.defaults?.(through) ?? through
  const before = live ?? (kind.custom ? undefined : ({ metadata: {}, ...emptyBuiltIn } as unknown as KubeObject))
  return commit(plane, kind, trackUpdate(kind.schema, before, defaulted, writerOf(plane, kind, call)), live, call)
}

/** Server-side apply. */
export const applyObject = (
  plane: ControlPlane,
  kind: Kind,
  configuration: KubeObject,
  live: KubeObject | undefined,
  call: WriteCall,
  force: boolean,
): KubeObject => {
  guard(kind, configuration, live)
  if (listOf(configuration.metadata.managedFields).length > 0) throw badRequest('metadata.managedFields must be nil')
  refuseUntyped(kind, configuration)
  const { resourceVersion: _guard, ...metadata } = configuration.metadata
  const applied = applyConfiguration(kind.schema, live, { ...configuration, metadata } as KubeObject, writerOf(plane, kind, call), force)
  if ('conflicts' in applied) throw applyConflict(applied.conflicts)
  const { managedFields } = applied.object.metadata
  const owned = ownMetadata(plane, prune(kind.schema, applied.object, !kind.custom) as KubeObject, live)
  const through = throughEndpoint(kind, owned, live, call)
  const defaulted = kind.defaults?.(through) ?? through
  return commit(
    plane,
    kind,
    { ...defaulted, metadata: { ...defaulted.metadata, ...(managedFields === undefined ? {} : { managedFields }) } },
    live,
    call,
  )
}
