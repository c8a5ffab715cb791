import type { KubeObject } from '../../calico/object.ts'
import { apiVersionOf } from '../../calico/resources.ts'
import type { ControlPlane } from './control-plane.ts'
import { type Kind, tableOf } from './kind.ts'
import { matcherOf } from './read.ts'
import { badRequest, expired } from './status.ts'
import type { StoreEvent } from './store.ts'

/** One line of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: unknown
}

/** A running watch: its first events, and how to hear of later ones. */
export interface Watch {
  readonly first: readonly WatchEvent[]
  /** Calls back for every later event; the answer ends it. */
  follow(listener: (event: WatchEvent) => void): () => void
}

/**
 * Watches a kind from a revision, or from now with the present state first. An object that stops matching its selector is seen to be deleted.
 * A revision that has been compacted gives one ERROR with a 410 Status.
 */
export const watchObjects = (plane: ControlPlane, kind: Kind, namespace: string | undefined, query: URLSearchParams): Watch => {
  const selected = matcherOf(kind, query)
  const read = (object: KubeObject): KubeObject => kind.view?.read(object) ?? object
  const matches = (object: KubeObject | undefined): boolean =>
    object !== undefined && (namespace === undefined || object.metadata.namespace === namespace) && selected(object)
  const translate = ({ type, resource, object, previous }: StoreEvent): WatchEvent | undefined => {
    if (resource !== tableOf(kind)) return undefined
    const [now, before] = [read(object), previous === undefined ? undefined : read(previous)]
    const is = type !== 'DELETED' && matches(now)
    const was = matches(before)
    if (!is && !was) return undefined
    if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: now }
    // What leaves a selector is shown as it was when it last matched, at the version of now.
    const left = type === 'DELETED' || before === undefined ? now : at(before, now)
    return { type: 'DELETED', object: left }
  }
  const follow = (listener: (event: WatchEvent) => void): (() => void) =>
    plane.store.subscribe((event) => {
      const seen = translate(event)
      if (seen !== undefined) listener(seen)
    })
  return { first: firstEvents(plane, kind, query, matches, translate), follow }
}

const at = (object: KubeObject, { metadata: { resourceVersion } }: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
})

const firstEvents = (
  plane: ControlPlane,
  kind: Kind,
  query: URLSearchParams,
  matches: (object: KubeObject) => boolean,
  translate: (event: StoreEvent) => WatchEvent | undefined,
): WatchEvent[] => {
  const from = query.get('resourceVersion') ?? ''
  if (from === '' || from === '0') {
    const present = plane.store.list(tableOf(kind)).map((object) => kind.view?.read(object) ?? object)
    return [...present.filter(matches).map((object): WatchEvent => ({ type: 'ADDED', object })), ...bookmark(plane, kind, query)]
  }
  if (!/^\d+$/.test(from)) throw badRequest(`Invalid value: "${from}": strconv.ParseUint: parsing "${from}": invalid syntax`)
  const missed = plane.store.since(Number(from))
  if (missed === undefined) return [{ type: 'ERROR', object: expired(`too old resource version: ${from} (${plane.store.revision()})`).status }]
  return missed.map(translate).filter((event) => event !== undefined)
}

/** With `sendInitialEvents` a bookmark says where the present state ends. */
const bookmark = (plane: ControlPlane, kind: Kind, query: URLSearchParams): WatchEvent[] => {
  if (query.get('sendInitialEvents') !== 'true') return []
  const metadata = { resourceVersion: `${plane.store.revision()}`, annotations: { 'k8s.io/initial-events-end': 'true' } }
  return [{ type: 'BOOKMARK', object: { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } }]
}
