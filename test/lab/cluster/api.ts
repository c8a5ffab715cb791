import { readFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import type { StateDir } from '../machine/state.ts'

/** Any Kubernetes object, as JSON. */
export interface LabObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** Where an object lives: `apiVersion`, kind, and its name. */
export interface LabRef {
  readonly apiVersion: string
  readonly kind: string
  readonly name?: string
  readonly namespace?: string
}

/** An answer of the API server, whatever its status. */
interface ApiAnswer {
  readonly status: number
  readonly body: unknown
}

/**
 * The harness's own way to the API server: over a unix socket into the control-plane node, past every HostEndpoint, as a person at its console has it.
 * Written apart from the product's client, so that one does not hide the other's mistakes.
 */
export interface LabApi {
  request(method: string, path: string, body?: unknown, contentType?: string, timeoutMs?: number): Promise<ApiAnswer>
  /** The object, or undefined. */
  get(ref: LabRef): Promise<LabObject | undefined>
  list(ref: LabRef, query?: string): Promise<LabObject[]>
  /** Server-side apply by force. */
  apply(object: LabObject): Promise<LabObject>
  create(object: LabObject): Promise<LabObject>
  /** JSON merge patch; with `subresource` of that. */
  patch(ref: LabRef, patch: unknown, subresource?: string): Promise<LabObject>
  delete(ref: LabRef): Promise<boolean>
  close(): void
}

/** A client for the API server behind a unix socket, as admin. */
export const labApi = (state: StateDir): LabApi => {
  const pem = (name: string) => readFileSync(state.at('pki', name))
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const tls = { ca: pem('ca.crt'), cert: pem('admin.crt'), key: pem('admin.key'), servername: 'kubernetes' }
  const socketPath = state.at('socket', 'api.sock')

  const request: LabApi['request'] = (method, path, body, contentType = 'application/json', timeoutMs = 15_000) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = {
        accept: 'application/json',
        ...(text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      }
      const sent = httpsRequest({ socketPath, path, method, headers, agent, ...tls, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }))
      })
      sent.on('error', reject)
      sent.end(text)
    })

  const must = async (method: string, path: string, body?: unknown, contentType?: string): Promise<LabObject> => {
    const answer = await request(method, path, body, contentType)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${messageOf(answer.body)}`)
    return answer.body as LabObject
  }

  const known = new Map<string, Promise<readonly ApiResource[]>>()
  const resources = async (apiVersion: string): Promise<readonly ApiResource[]> => {
    const listed =
      known.get(apiVersion) ?? must('GET', rootOf(apiVersion)).then((list) => (list as unknown as { resources: ApiResource[] }).resources)
    known.set(apiVersion, listed)
    return listed.catch((error: unknown) => {
      known.delete(apiVersion)
      throw error
    })
  }
  const pathOf = async (ref: LabRef): Promise<string> => {
    const found = (await resources(ref.apiVersion)).find((one) => one.kind === ref.kind && !one.name.includes('/'))
    if (found === undefined) {
      known.delete(ref.apiVersion)
      throw new Error(`the API server knows no ${ref.kind} in ${ref.apiVersion}`)
    }
    const namespace = found.namespaced && ref.namespace !== undefined ? `/namespaces/${ref.namespace}` : ''
    return `${rootOf(ref.apiVersion)}${namespace}/${found.name}${ref.name === undefined ? '' : `/${ref.name}`}`
  }
  const refOf = ({ apiVersion, kind, metadata: { name, namespace } }: LabObject): LabRef => ({
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  })

  return {
    request,
    get: async (ref) => {
      const answer = await request('GET', await pathOf(ref))
      if (answer.status === 404) return undefined
      if (answer.status >= 300) throw new Error(`GET ${ref.kind} ${ref.name}: ${answer.status} ${messageOf(answer.body)}`)
      return answer.body as LabObject
    },
    list: async (ref, query = '') =>
      ((await must('GET', `${await pathOf(ref)}${query}`)) as unknown as { items: LabObject[] }).items.map((item) => ({
        ...item,
        apiVersion: ref.apiVersion,
        kind: ref.kind,
      })),
    apply: async (object) => must('PATCH', `${await pathOf(refOf(object))}?fieldManager=lab&force=true`, object, 'application/apply-patch+yaml'),
    create: async (object) => {
      const { name: _, ...collection } = refOf(object)
      return must('POST', await pathOf(collection), object)
    },
    patch: async (ref, patch, subresource) =>
      must('PATCH', `${await pathOf(ref)}${subresource === undefined ? '' : `/${subresource}`}`, patch, 'application/merge-patch+json'),
    delete: async (ref) => {
      const answer = await request('DELETE', await pathOf(ref), { propagationPolicy: 'Background' })
      if (answer.status >= 300 && answer.status !== 404) throw new Error(`DELETE ${ref.kind} ${ref.name}: ${answer.status} ${messageOf(answer.body)}`)
      return answer.status !== 404
    },
    close: () => agent.destroy(),
  }
}

interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

const rootOf = (apiVersion: string): string => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`)

const messageOf = (body: unknown): string => (typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : String(body))

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
