import type { KubeObject } from '../../calico/object.ts'
import { apiVersionOf } from '../../calico/resources.ts'
import { type Fields, isFields, textAt } from '../json.ts'
import type { ApiCall } from './call.ts'
import { collectionOf } from './collection.ts'
import type { ControlPlane } from './control-plane.ts'
import { type DeleteCall, deleteObject, type Propagation } from './delete.ts'
import type { Kind } from './kind.ts'
import { mergePatch } from './merge-patch.ts'
import { listed, matcherOf } from './read.ts'
import { ApiFailure, alreadyExists, badRequest, type Cause, forbidden, invalid, noSuchResource, notFound, unguarded } from './status.ts'
import { applyObject, type WriteCall, writeObject } from './write.ts'

/** Which object a call is about. */
export interface Target {
  readonly of: Kind
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

/** The body as an object. @throws ApiFailure 400 */
export const parseBody = (text: string): Fields => {
  try {
    const value: unknown = JSON.parse(text)
    if (isFields(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest(`error decoding body: ${error.message}`)
  }
  throw badRequest('the body is not an object')
}

/** Client-go's default: the program's name out of the User-Agent. */
const managerOf = ({ query, userAgent }: ApiCall): string => query.get('fieldManager') ?? userAgent.split('/')[0] ?? 'unknown'

const writeCall = (call: ApiCall, subresource: string | undefined): WriteCall => {
  const validation = call.query.get('fieldValidation')
  return {
    ...{ user: call.user, manager: managerOf(call), dryRun: call.query.getAll('dryRun').includes('All') },
    ...(validation === 'Strict' || validation === 'Ignore' ? { validation } : {}),
    ...(subresource === 'status' ? { subresource } : {}),
  }
}

/** The body as an object of the kind, at the place the path names. */
const placed = ({ of, namespace, name }: Target, body: Fields): KubeObject => {
  const wanted = { apiVersion: apiVersionOf(of), kind: of.kind }
  if (body['apiVersion'] !== wanted.apiVersion || body['kind'] !== wanted.kind) {
    const sent = `${body['apiVersion']}, Kind=${body['kind']}`
    throw badRequest(`${sent} does not match the expected ${wanted.apiVersion}, Kind=${wanted.kind}`)
  }
  const metadata = isFields(body['metadata']) ? body['metadata'] : {}
  const itself = textAt(metadata, 'namespace')
  if (itself !== undefined && itself !== (namespace ?? ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const own = textAt(metadata, 'name')
  if (name !== undefined && own !== undefined && own !== name)
    throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`)
  const { namespace: _namespace, ...rest } = metadata
  return { ...body, ...wanted, metadata: { ...rest, name: name ?? own ?? '', ...(namespace === undefined ? {} : { namespace }) } }
}

/** A namespaced object needs its namespace, and not one that is going away. */
const checkNamespace = (plane: ControlPlane, kind: Kind, { metadata: { namespace, name } }: KubeObject): void => {
  if (namespace === undefined) return
  const home = plane.store.get('namespaces', undefined, namespace)
  if (home === undefined) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace)
  if (home.metadata.deletionTimestamp === undefined) return
  const refused = forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`)
  const cause: Cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }
  throw new ApiFailure(403, 'Forbidden', refused.message, { details: { ...refused.status.details, causes: [cause] } })
}

const current = (plane: ControlPlane, { of, namespace, name = '' }: Target): KubeObject | undefined =>
  collectionOf(plane.store, of).get(namespace, name)

/** GET of one object. */
export const getObject = (plane: ControlPlane, target: Target): KubeObject => {
  const found = current(plane, target)
  if (found === undefined) throw notFound(target.of, target.name ?? '')
  return found
}

/** POST to a collection. */
export const createObject = (plane: ControlPlane, target: Target, call: ApiCall): KubeObject => {
  const body = placed(target, parseBody(call.body))
  const prefix = textAt(body.metadata, 'generateName')
  if (body.metadata.name === '' && prefix === undefined) {
    throw invalid(target.of, '', [
      { reason: 'FieldValueRequired', message: 'Required value: name or generateName is required', field: 'metadata.name' },
    ])
  }
  if (body.metadata.resourceVersion !== undefined) throw badRequest('resourceVersion should not be set on objects to be created')
  const name = body.metadata.name === '' ? `${prefix}${plane.ids.suffix()}` : body.metadata.name
  const object = { ...body, metadata: { ...body.metadata, name } }
  checkNamespace(plane, target.of, object)
  if (current(plane, { ...target, name }) !== undefined) throw alreadyExists(target.of, name)
  return writeObject(plane, target.of, object, undefined, writeCall(call, undefined))
}

/** PUT of one object. */
export const replaceObject = (plane: ControlPlane, target: Target, call: ApiCall): { object: KubeObject; created: boolean } => {
  const object = placed(target, parseBody(call.body))
  const live = current(plane, target)
  if (live === undefined && !target.of.createOnUpdate) throw notFound(target.of, target.name ?? '')
  if (live === undefined) checkNamespace(plane, target.of, object)
  const needsVersion = target.of.custom || target.of.kind === 'Lease'
  if (live !== undefined && needsVersion && object.metadata.resourceVersion === undefined) throw unguarded(target.of, object.metadata.name)
  return { object: writeObject(plane, target.of, object, live, writeCall(call, target.subresource)), created: live === undefined }
}

/** PATCH of one object: server-side apply or JSON merge patch. */
export const patchObject = (plane: ControlPlane, target: Target, call: ApiCall): { object: KubeObject; created: boolean } => {
  const live = current(plane, target)
  if (call.contentType === 'application/apply-patch+yaml') return apply(plane, target, call, live)
  if (call.contentType !== 'application/merge-patch+json') {
    const accepted = 'application/merge-patch+json, application/apply-patch+yaml'
    throw new ApiFailure(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted}`)
  }
  if (live === undefined) throw notFound(target.of, target.name ?? '')
  const object = placed(target, mergePatch(live, parseBody(call.body)) as Fields)
  return { object: writeObject(plane, target.of, object, live, writeCall(call, target.subresource)), created: false }
}

const apply = (plane: ControlPlane, target: Target, call: ApiCall, live: KubeObject | undefined): { object: KubeObject; created: boolean } => {
  if ((call.query.get('fieldManager') ?? '') === '') {
    const options = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' }
    throw invalid(options, '', [{ reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' }])
  }
  const object = placed(target, parseBody(call.body))
  if (live === undefined && target.subresource !== undefined) throw notFound(target.of, object.metadata.name)
  if (live === undefined) checkNamespace(plane, target.of, object)
  const force = call.query.get('force') === 'true'
  return { object: applyObject(plane, target.of, object, live, writeCall(call, target.subresource), force), created: live === undefined }
}

/** What becomes of dependents when nobody says: Jobs orphan theirs, for the sake of old clients (pkg/registry/batch/job strategy.go). */
const defaultPropagation = ({ kind, group }: Kind): Propagation => (kind === 'Job' && group === 'batch' ? 'Orphan' : 'Background')

const deleteCall = (of: Kind, { body, query, user }: ApiCall): DeleteCall => {
  const options = body === '' ? {} : parseBody(body)
  const [uid, resourceVersion] = [textAt(options, 'preconditions', 'uid'), textAt(options, 'preconditions', 'resourceVersion')]
  const policy = textAt(options, 'propagationPolicy') ?? query.get('propagationPolicy')
  const dryRun = query.getAll('dryRun').includes('All') || (Array.isArray(options['dryRun']) && options['dryRun'].includes('All'))
  return {
    ...{ user, dryRun },
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    propagation: policy === 'Foreground' || policy === 'Orphan' || policy === 'Background' ? policy : defaultPropagation(of),
  }
}

/** DELETE of one object: a Status when it is gone, the object while its finalizers run. */
export const removeObject = (plane: ControlPlane, { of, namespace, name = '' }: Target, call: ApiCall): unknown => {
  const { object, gone } = deleteObject(plane, of, namespace, name, deleteCall(of, call))
  if (!gone) return object
  const details = { name, ...(of.group === '' ? {} : { group: of.group }), kind: of.plural, uid: object.metadata.uid }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}

/** DELETE of a collection: everything the selectors match, in one request. */
export const removeCollection = (plane: ControlPlane, { of, namespace }: Target, call: ApiCall): unknown => {
  const matches = matcherOf(of, call.query)
  const options = deleteCall(of, call)
  const items = collectionOf(plane.store, of)
    .list(namespace)
    .filter(matches)
    .map((object) => deleteObject(plane, of, object.metadata.namespace, object.metadata.name, options).object)
  return listed(of, items, { resourceVersion: `${plane.store.revision()}` })
}

/** Subresources other than status, and methods a place does not take. */
export const refuseSubresource = ({ of, subresource }: Target): void => {
  if (subresource === undefined || (subresource === 'status' && of.statusEndpoint)) return
  throw noSuchResource()
}
