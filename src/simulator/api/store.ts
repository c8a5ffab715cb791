import type { KubeObject } from '../../calico/object.ts'
import { frozen } from '../json.ts'

/** One change of the store. */
export interface StoreEvent {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** `hostendpoints.projectcalico.org`. */
  readonly resource: string
  readonly object: KubeObject
  /** What stood there before a change. */
  readonly previous?: KubeObject
}

/** What is stored, with one revision for every change, as etcd keeps it. Objects are frozen. */
export interface Store {
  revision(): number
  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined
  /** In etcd's order: by namespace, then name. */
  list(resource: string, namespace?: string): KubeObject[]
  /** Writes the object with a new resourceVersion and returns what is stored. */
  put(resource: string, object: KubeObject): KubeObject
  /** Removes it and returns its last state under a new resourceVersion. */
  remove(resource: string, namespace: string | undefined, name: string): KubeObject | undefined
  /** Every change after a revision; undefined when some of it has been compacted. */
  since(revision: number): StoreEvent[] | undefined
  /** Forgets past changes: watches and list pages from before now answer 410. */
  compact(): void
  /** Calls back after every change; the answer ends that. */
  subscribe(listener: (event: StoreEvent) => void): () => void
}

/** Changes kept for watches and pages; an API server forgets what is older than some minutes. */
const keptEvents = 20_000

const keyOf = (namespace: string | undefined, name: string): string => (namespace === undefined ? name : `${namespace}/${name}`)

/** An empty store. */
export const createStore = (): Store => {
  const tables = new Map<string, Map<string, KubeObject>>()
  const listeners = new Set<(event: StoreEvent) => void>()
  let log: StoreEvent[] = []
  let compacted = 0
  let revision = 1
  const table = (resource: string): Map<string, KubeObject> => {
    const known = tables.get(resource) ?? new Map<string, KubeObject>()
    tables.set(resource, known)
    return known
  }
  const record = (event: StoreEvent): void => {
    log.push(event)
    if (log.length > keptEvents) {
      log = log.slice(keptEvents / 2)
      compacted = (log[0]?.revision ?? revision) - 1
    }
    for (const listener of listeners) listener(event)
  }
  const numbered = (object: KubeObject): KubeObject => {
    revision++
    return frozen({ ...object, metadata: { ...object.metadata, resourceVersion: `${revision}` } })
  }
  return {
    revision: () => revision,
    get: (resource, namespace, name) => table(resource).get(keyOf(namespace, name)),
    list: (resource, namespace) =>
      [...table(resource)]
        .filter(([, { metadata }]) => namespace === undefined || metadata.namespace === namespace)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, object]) => object),
    put: (resource, object) => {
      const stored = numbered(object)
      const key = keyOf(object.metadata.namespace, object.metadata.name)
      const previous = table(resource).get(key)
      table(resource).set(key, stored)
      record({
        revision,
        type: previous === undefined ? 'ADDED' : 'MODIFIED',
        resource,
        object: stored,
        ...(previous === undefined ? {} : { previous }),
      })
      return stored
    },
    remove: (resource, namespace, name) => {
      const previous = table(resource).get(keyOf(namespace, name))
      if (previous === undefined) return undefined
      const last = numbered(previous)
      table(resource).delete(keyOf(namespace, name))
      record({ revision, type: 'DELETED', resource, object: last, previous })
      return last
    },
    since: (from) => (from < compacted ? undefined : log.filter((event) => event.revision > from)),
    compact: () => {
      compacted = revision
      log = []
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
