import type { KubeObject } from '../../calico/object.ts'
import type { Resource } from '../../calico/resources.ts'
import type { Schema } from '../schemas/schema.ts'
import type { Ids } from './ids.ts'
import type { Cause } from './status.ts'

/** What the API server does to objects of one kind besides storing them. */
export interface KindRules {
  /** Fills in defaults while decoding: the writer owns them. */
  readonly defaults?: (object: KubeObject) => KubeObject
  /** Fills in what the server decides (addresses, selectors, mutating policies): nobody owns it. */
  readonly prepare?: (object: KubeObject, live: KubeObject | undefined, ids: Ids) => KubeObject
  /** What is wrong with it; `live` is what an update replaces. */
  readonly check?: (object: KubeObject, live: KubeObject | undefined) => readonly Cause[]
}

/** How a kind is kept under another kind's name: Calico's API server keeps `projectcalico.org/v3` as `crd.projectcalico.org/v1`. */
export interface StorageView {
  readonly resource: string
  read(stored: KubeObject): KubeObject
  write(object: KubeObject, stored: KubeObject | undefined): KubeObject
}

/** One kind the API serves. */
export interface Kind extends Resource, KindRules {
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly schema: Schema
  /** Served from a CustomResourceDefinition: a PUT must name its resourceVersion. */
  readonly custom: boolean
  readonly statusEndpoint: boolean
  /** A PUT to a name that does not exist creates it (Lease, Endpoints). */
  readonly createOnUpdate: boolean
  /** Field selectors besides `metadata.name` and `metadata.namespace`. */
  readonly fieldSelectors: readonly string[]
  readonly view?: StorageView
}

/** The store's name of a kind's table. */
export const tableOf = (kind: Kind): string => kind.view?.resource ?? (kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`)
