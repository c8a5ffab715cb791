import type { KubeObject } from '../../calico/object.ts'
import { type Kind, tableOf } from './kind.ts'
import type { Store } from './store.ts'

/** The objects of one kind, read and written in that kind's shape wherever they are kept. */
export interface Collection {
  get(namespace: string | undefined, name: string): KubeObject | undefined
  list(namespace?: string): KubeObject[]
  put(object: KubeObject): KubeObject
  remove(namespace: string | undefined, name: string): KubeObject | undefined
}

/** The collection of a kind in a store. */
export const collectionOf = (store: Store, kind: Kind): Collection => {
  const table = tableOf(kind)
  const { view } = kind
  const read = (stored: KubeObject): KubeObject => view?.read(stored) ?? stored
  const maybe = (stored: KubeObject | undefined): KubeObject | undefined => (stored === undefined ? undefined : read(stored))
  return {
    get: (namespace, name) => maybe(store.get(table, namespace, name)),
    list: (namespace) => store.list(table, namespace).map(read),
    put: (object) => read(store.put(table, view?.write(object, store.get(table, object.metadata.namespace, object.metadata.name)) ?? object)),
    remove: (namespace, name) => maybe(store.remove(table, namespace, name)),
  }
}
