import type { KubeObject, ObjectRef } from '../calico/object.ts'
import type { Resource } from '../calico/resources.ts'

/** Options every call takes. */
export interface CallOptions {
  /** Milliseconds until the call fails with FW_TIMEOUT; default 10,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Options of a write. */
export interface WriteOptions extends CallOptions {
  /** Ask the server to validate and admit, and to store nothing. */
  readonly dryRun?: boolean
}

/**
 * The Kubernetes API as this tool uses it: JSON in, JSON out, every call with a deadline, every failure an FwError.
 * Not-found is an answer where it is an ordinary one (`get`, `delete`), an error elsewhere.
 */
export interface Api {
  /** Any request; `path` begins with `/`. Returns parsed JSON, or text where the answer is not JSON. `headers` are sent besides our own. */
  request(
    method: string,
    path: string,
    body?: unknown,
    options?: CallOptions & { readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<unknown>
  /** One object, or undefined when it does not exist. */
  get(ref: ObjectRef, options?: CallOptions): Promise<KubeObject | undefined>
  /** All objects of a resource, in pages of 500. A missing API group lists as undefined. */
  list(
    resource: Resource,
    options?: CallOptions & { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string },
  ): Promise<KubeObject[] | undefined>
  /** POST; fails with FW_CONFLICT when it exists. */
  create(object: KubeObject, options?: WriteOptions): Promise<KubeObject>
  /** Server-side apply as field manager `calico-fw`, strict field validation, never with force. With `metadata.resourceVersion` it is guarded by it. */
  apply(object: KubeObject, options?: WriteOptions): Promise<KubeObject>
  /** JSON merge patch; put `metadata.resourceVersion` into the patch to guard it. */
  mergePatch(ref: ObjectRef, patch: unknown, options?: WriteOptions): Promise<KubeObject>
  /** PUT of the whole object, guarded by its resourceVersion. */
  replace(object: KubeObject, options?: WriteOptions): Promise<KubeObject>
  /** True when it was there. `uid` and `resourceVersion` are preconditions (FW_CONFLICT when they do not hold). */
  delete(
    ref: ObjectRef,
    options?: WriteOptions & {
      readonly uid?: string
      readonly resourceVersion?: string
      readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
    },
  ): Promise<boolean>
  /** One request for any number of objects. */
  deleteCollection(resource: Resource, options: WriteOptions & { readonly namespace?: string; readonly labelSelector: string }): Promise<void>
  /** Closes idle connections. */
  close(): void
}
