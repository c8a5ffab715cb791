import { Buffer } from 'node:buffer'
import type { KubeObject } from '../../calico/object.ts'
import { apiVersionOf } from '../../calico/resources.ts'
import { numberAt, textAt } from '../json.ts'
import { collectionOf } from './collection.ts'
import type { ControlPlane } from './control-plane.ts'
import { type Kind, tableOf } from './kind.ts'
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts'
import { badRequest, expired } from './status.ts'

/** The objects a list or watch asks for. @throws ApiFailure 400 for a selector that does not parse */
export const matcherOf = (kind: Kind, query: URLSearchParams): Matcher => {
  const labels = labelMatcher(query.get('labelSelector') ?? '')
  const fields = fieldMatcher(query.get('fieldSelector') ?? '', ['metadata.name', 'metadata.namespace', ...kind.fieldSelectors])
  return (object) => labels(object) && fields(object)
}

interface Page {
  readonly revision: number
  /** The last key of the page before. */
  readonly after: string
}

const readToken = (token: string): Page => {
  try {
    const page: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    const [revision, after] = [numberAt(page, 'rv'), textAt(page, 'start')]
    if (revision !== undefined && after !== undefined) return { revision, after }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('continue key is not valid')
}

const keyOf = ({ metadata: { namespace, name } }: KubeObject): string => (namespace === undefined ? name : `${namespace}/${name}`)

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.'

/** The table as it stood at a revision; undefined when that has been compacted. */
const snapshot = (plane: ControlPlane, kind: Kind, revision: number): KubeObject[] | undefined => {
  const events = plane.store.since(revision)
  if (events === undefined) return undefined
  const objects = new Map(plane.store.list(tableOf(kind)).map((object) => [keyOf(object), object]))
  for (const { resource, object, previous } of events.reverse()) {
    if (resource !== tableOf(kind)) continue
    if (previous === undefined) objects.delete(keyOf(object))
    else objects.set(keyOf(object), previous)
  }
  return [...objects.values()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)).map((object) => kind.view?.read(object) ?? object)
}

/** A list, in pages where `limit` asks for them; later pages show the state of the first. @throws ApiFailure 400, 410 */
export const listObjects = (plane: ControlPlane, kind: Kind, namespace: string | undefined, query: URLSearchParams): unknown => {
  const matches = matcherOf(kind, query)
  const token = query.get('continue') ?? ''
  const page = token === '' ? undefined : readToken(token)
  const revision = page?.revision ?? plane.store.revision()
  const all = page === undefined ? collectionOf(plane.store, kind).list(namespace) : snapshot(plane, kind, page.revision)
  if (all === undefined) throw expired(tooOld)
  const inside = all.filter((object) => namespace === undefined || object.metadata.namespace === namespace)
  const rest = inside.filter((object) => (page === undefined || keyOf(object) > page.after) && matches(object))
  const limit = Number(query.get('limit') ?? '0')
  const items = limit > 0 ? rest.slice(0, limit) : rest
  const last = items.at(-1)
  const more = rest.length - items.length
  const next = more === 0 || last === undefined ? '' : Buffer.from(JSON.stringify({ rv: revision, start: keyOf(last) })).toString('base64url')
  return listed(kind, items, {
    resourceVersion: `${revision}`,
    ...(next === '' ? {} : { continue: next, ...(isSelective(query) ? {} : { remainingItemCount: more }) }),
  })
}

/** With a selector the API server does not know how many more will match. */
const isSelective = (query: URLSearchParams): boolean => (query.get('labelSelector') ?? '') + (query.get('fieldSelector') ?? '') !== ''

/** A list as the kind writes it: items of built-in kinds carry neither kind nor apiVersion, lists of custom resources always `continue`. */
export const listed = (kind: Kind, items: readonly KubeObject[], metadata: Readonly<Record<string, unknown>>): unknown => {
  const bare = ({ kind: _kind, apiVersion: _apiVersion, ...rest }: KubeObject): unknown => rest
  return {
    ...{ kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind) },
    metadata: { ...(kind.custom ? { continue: '' } : {}), ...metadata },
    items: kind.custom ? items : items.map(bare),
  }
}
