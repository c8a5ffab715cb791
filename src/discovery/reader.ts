import { formatRef, type KubeObject, type ObjectRef } from '../calico/object.ts'
import { apiVersionOf, type Resource } from '../calico/resources.ts'
import type { Api, CallOptions } from '../cluster/api.ts'
import { type FwCode, FwError } from '../errors.ts'
import type { Unseen } from '../firewall/facts/facts.ts'

/** Which of a resource's objects are read. */
interface Scope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/**
 * Reads a cluster once, each source at most once. A source that is forbidden, hangs or fails is noted and reads as missing: what it would have
 * said is then not known, and the notes say so. What the tool cannot do without is read with `require` and throws.
 */
export interface Reader {
  get(ref: ObjectRef): Promise<KubeObject | undefined>
  /** Undefined when the server does not have the resource, or does not show it. */
  list(resource: Resource, scope?: Scope): Promise<KubeObject[] | undefined>
  /** @throws FwError whatever the call throws */
  require(resource: Resource): Promise<KubeObject[]>
  /** Begins to read, so that a later `list` or `require` waits less. */
  prefetch(resource: Resource): void
  /** The same tolerance for code that wants a whole Api; only its reading methods may be called. */
  readonly api: Api
  /** What could not be read, in the order it was found out. */
  readonly unseen: readonly Unseen[]
  note(unseen: Unseen): void
}

/** Failures of one source. All others (no network, no credentials, Ctrl-C) are failures of the whole and are thrown. */
const tolerated: readonly FwCode[] = ['FW_FORBIDDEN', 'FW_TIMEOUT', 'FW_API', 'FW_THROTTLED', 'FW_GONE', 'FW_NOT_FOUND', 'FW_INVALID']

/** A reader whose every call ends after `timeoutMs`; kinds in `required` throw even through `api`. */
export const createReader = (api: Api, required: readonly string[], options: CallOptions): Reader => {
  const reading = new Map<string, Promise<unknown>>()
  const unseen: Unseen[] = []
  const noted = new Set<string>()

  const note = (of: Unseen): void => {
    const key = `${of.kind} ${of.what}`
    if (noted.has(key)) return
    noted.add(key)
    unseen.push(of)
  }
  const once = <Value>(key: string, read: () => Promise<Value>): Promise<Value> => {
    const known = reading.get(key) as Promise<Value> | undefined
    if (known !== undefined) return known
    const begun = read()
    // Somebody may never ask for what was prefetched; its failure is told to whoever asks.
    begun.catch(() => undefined)
    reading.set(key, begun)
    return begun
  }
  const tolerate = async <Value>(what: string, read: Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read
    } catch (error) {
      if (!(error instanceof FwError && tolerated.includes(error.code))) throw error
      note({ kind: kindOf(what), what, why: error.code === 'FW_FORBIDDEN' ? 'forbidden' : error.message })
      return undefined
    }
  }
  const rawList = (resource: Resource, { namespace, labelSelector, fieldSelector }: Scope = {}): Promise<KubeObject[] | undefined> => {
    const scope = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    }
    return once(JSON.stringify([apiVersionOf(resource), resource.plural, scope]), () => api.list(resource, { ...options, ...scope }))
  }

  const reader: Omit<Reader, 'api'> = {
    get: (ref) =>
      tolerate(
        formatRef(ref),
        once(JSON.stringify([ref.apiVersion, formatRef(ref)]), () => api.get(ref, options)),
      ),
    list: (resource, scope) => tolerate(listName(resource, scope), rawList(resource, scope)),
    require: async (resource) => (await rawList(resource)) ?? [],
    prefetch: (resource) => void rawList(resource),
    unseen,
    note,
  }
  return {
    ...reader,
    api: {
      ...api,
      get: reader.get,
      list: (resource, scope) => (required.includes(resource.kind) ? rawList(resource, scope) : reader.list(resource, scope)),
      request: async (method, path, body, more) => {
        const answer = api.request(method, path, body, { ...options, ...more })
        return path === '/apis' ? answer : ((await tolerate(path, answer)) ?? { items: [] })
      },
    },
  }
}

const listName = (resource: Resource, { namespace, labelSelector, fieldSelector }: Scope = {}): string =>
  [
    `${resource.plural}${resource.group === '' ? '' : `.${resource.group}`}`,
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
    ...(labelSelector === undefined ? [] : [`with ${labelSelector}`]),
    ...(fieldSelector === undefined ? [] : [`with ${fieldSelector}`]),
  ].join(' ')

const kindOf = (what: string): Unseen['kind'] => {
  if (what.endsWith('/kube-proxy')) return 'kube-proxy'
  if (what.startsWith('ConfigMap ')) return 'api-endpoints'
  if (what.startsWith('daemonsets') || what.startsWith('Deployment ')) return 'environment'
  if (/^(validating|mutating)webhookconfigurations|^apiservices|^APIService /.test(what)) return 'webhooks'
  if (/^(services|endpointslices|servicecidrs)\b/.test(what)) return 'services'
  if (/^(pods|deployments|statefulsets)\b/.test(what)) return 'host-ports'
  return /^(tiers|globalnetworksets|networksets|ippools|hostendpoints|globalnetworkpolicies|felixconfigurations)\b/.test(what) ? 'policies' : 'other'
}
