import { fieldManager } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import { apiVersionOf, collectionPath, objectPath, type Resource, resourceOf } from '../calico/resources.ts'
import { FwError } from '../errors.ts'
import type { Api, CallOptions, WriteOptions } from './api.ts'
import { formatRequest, requestWords } from './errors/request-words.ts'
import type { Connection } from './transport/connection.ts'
import type { HttpAnswer } from './transport/http-exchange.ts'

const pageSize = 500
/** How often a list that outlived its continue token begins anew. */
const maxRestarts = 3
const json = 'application/json'

type Query = Readonly<Record<string, string | undefined>>

/** The Kubernetes API over a connection: JSON in, JSON out, nothing dropped on the way. */
export const createApi = (connection: Connection): Api => {
  /** Undefined when the API server says that what the path names does not exist. */
  const find = async (method: 'GET' | 'DELETE', path: string, options?: CallOptions, body?: unknown): Promise<HttpAnswer | undefined> => {
    const answer = await send(method, path, options, body)
    if (answer.status !== 404) return answer
    if (isNotFound(answer)) return undefined
    throw notKubernetes(answer, method, path)
  }
  const send = (method: string, path: string, options: CallOptions = {}, body?: unknown, contentType = json): Promise<HttpAnswer> =>
    connection.send({
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      accept: (status) => (status >= 200 && status < 300) || (status === 404 && (method === 'GET' || method === 'DELETE')),
    })
  const write = async (
    method: string,
    path: string,
    query: Query,
    body: unknown,
    options: WriteOptions = {},
    contentType = json,
  ): Promise<KubeObject> => {
    const full = withQuery(path, { fieldManager, ...query, dryRun: options.dryRun ? 'All' : undefined })
    return objectOf(await send(method, full, options, body, contentType), method, full)
  }
  const listOnce = async (path: string, query: Query, options: CallOptions): Promise<Record<string, unknown>[] | undefined> => {
    const items: Record<string, unknown>[] = []
    for (let from = ''; ; ) {
      const full = withQuery(path, { ...query, limit: String(pageSize), continue: from || undefined })
      const answer = await find('GET', full, options)
      if (answer === undefined) return undefined
      const page = listOf(answer, full)
      items.push(...page.items)
      if (page.next === '') return items
      from = page.next
    }
  }
  return {
    request: async (method, path, body, options = {}) => {
      const answer = await connection.send({
        method,
        path,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        headers: { ...(body === undefined ? {} : { 'content-type': options.contentType ?? json }), ...options.headers },
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      })
      return parsed(answer) ?? answer.body.toString('utf8')
    },
    get: async (ref, options) => {
      const path = objectPath(ref)
      const answer = await find('GET', path, options)
      return answer === undefined ? undefined : objectOf(answer, 'GET', path)
    },
    list: async (resource, options = {}) => {
      const { namespace, labelSelector, fieldSelector } = options
      const path = collectionPath(resource, namespace)
      for (let restarts = 0; ; restarts++) {
        try {
          const items = await listOnce(path, { labelSelector, fieldSelector }, options)
          return items?.map((item) => namedItem(item, resource))
        } catch (error) {
          // The continue token has outlived etcd's history: what was read belongs to no one moment, so the list begins anew.
          if (!(error instanceof FwError && error.code === 'FW_GONE') || restarts >= maxRestarts) throw error
        }
      }
    },
    create: (object, options) => write('POST', pathOfCollection(object), { fieldValidation: 'Strict' }, object, options),
    apply: (object, options) =>
      write('PATCH', objectPath(refOf(object)), { fieldValidation: 'Strict', force: 'false' }, object, options, 'application/apply-patch+yaml'),
    mergePatch: (ref, patch, options) => write('PATCH', objectPath(ref), {}, patch, options, 'application/merge-patch+json'),
    replace: (object, options) => write('PUT', objectPath(refOf(object)), {}, object, options),
    delete: async (ref, options = {}) => {
      const { uid, resourceVersion, propagation, dryRun } = options
      const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) }
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
        ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
        ...(dryRun ? { dryRun: ['All'] } : {}),
      }
      return (await find('DELETE', objectPath(ref), options, body)) !== undefined
    },
    deleteCollection: async (resource, options) => {
      const { namespace, labelSelector, dryRun } = options
      // Without a selector this would delete everybody's.
      if (labelSelector.trim() === '') throw new Error(`deleteCollection of ${resource.plural} without a label selector`)
      await find('DELETE', withQuery(collectionPath(resource, namespace), { labelSelector, dryRun: dryRun ? 'All' : undefined }), options)
    },
    close: () => connection.close(),
  }
}

const pathOfCollection = (object: KubeObject): string => collectionPath(resourceOf(object.apiVersion, object.kind), object.metadata.namespace)

const withQuery = (path: string, query: Query): string => {
  const given = Object.entries(query).flatMap(([key, value]): [string, string][] => (value === undefined || value === '' ? [] : [[key, value]]))
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

/** Items of a list of built-in kinds carry neither apiVersion nor kind. */
const namedItem = (item: Record<string, unknown>, resource: Resource): KubeObject =>
  ({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...item }) as KubeObject

const listOf = (answer: HttpAnswer, path: string): { items: Record<string, unknown>[]; next: string } => {
  const body = parsed(answer)
  if (!isRecord(body) || !(Array.isArray(body.items) || body.items === null)) throw notKubernetes(answer, 'GET', path)
  const metadata = isRecord(body.metadata) ? body.metadata : {}
  const items: unknown[] = body.items ?? []
  if (!items.every((item) => isRecord(item) && isRecord(item.metadata) && typeof item.metadata.name === 'string'))
    throw notKubernetes(answer, 'GET', path)
  return { items: items.filter(isRecord), next: typeof metadata.continue === 'string' ? metadata.continue : '' }
}

const objectOf = (answer: HttpAnswer, method: string, path: string): KubeObject => {
  const body = parsed(answer)
  if (
    !isRecord(body) ||
    typeof body.kind !== 'string' ||
    typeof body.apiVersion !== 'string' ||
    !isRecord(body.metadata) ||
    typeof body.metadata.name !== 'string'
  )
    throw notKubernetes(answer, method, path)
  return body as unknown as KubeObject
}

/** The API server's own 404: a Status for a missing object, Go's plain page for a missing group or resource. Any other comes from something else. */
const isNotFound = (answer: HttpAnswer): boolean => {
  const body = parsed(answer)
  return (isRecord(body) && body.kind === 'Status') || answer.body.toString('utf8').startsWith('404 page not found')
}

const parsed = (answer: HttpAnswer): unknown => {
  try {
    return JSON.parse(answer.body.toString('utf8'))
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const notKubernetes = (answer: HttpAnswer, method: string, path: string): FwError =>
  new FwError('FW_API', `the answer is no Kubernetes object: ${formatRequest(requestWords(method, path))}`, {
    why: `HTTP ${answer.status} with ${answer.headers['content-type'] ?? 'no content type'}`,
    fix: 'check that the server in the kubeconfig is a Kubernetes API, and what stands before it',
  })
