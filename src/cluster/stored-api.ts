import * as v from 'valibot'
import { type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import { apiVersionOf, type Resource, resourceOf, storage, v3 } from '../calico/resources.ts'
import { isAtLeast } from '../calico/version.ts'
import { FwError } from '../errors.ts'
import type { Api } from './api.ts'
import { apiGroups } from './api-groups.ts'
import { type StoredNames, shown, stored, storedRef } from './stored-calico.ts'

const informationShape = v.object({ spec: v.object({ calicoVersion: v.string() }) })

/** So many objects are deleted side by side where one request for all of them is not to be had. */
const deletesAtOnce = 8

/**
 * An API that serves projectcalico.org/v3 also where Calico has only its storage CRDs: v3 objects are written there as Calico's own client writes them, and read
 * back as its API would show them. Everything else passes, storage objects too. Which of the two it is, is asked once.
 */
export const withStoredCalico = (api: Api): Api => {
  let root: ReadonlySet<string> | undefined
  let known: Promise<StoredNames | undefined> | undefined
  const look = async (groups: ReadonlySet<string>): Promise<StoredNames | undefined> => {
    if (groups.has('projectcalico.org') || !groups.has('crd.projectcalico.org')) return undefined
    // Calico's own API server, where it is registered and down, is not in the list of groups: it keeps these objects, and is not passed by.
    if ((await api.get({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', name: 'v3.projectcalico.org' })) !== undefined) return undefined
    const information = v.safeParse(informationShape, await api.get({ apiVersion: storage, kind: 'ClusterInformation', name: 'default' }))
    const isNew = information.success ? isAtLeast(information.output.spec.calicoVersion, [3, 32]) : undefined
    if (isNew !== undefined) return { prefixed: !isNew }
    throw new FwError('FW_UNSUPPORTED', 'this Calico has only its storage CRDs and does not tell its version', {
      why: 'how it names its policies there depends on it',
      fix: 'see: kubectl get clusterinformations.crd.projectcalico.org default -o yaml',
    })
  }
  /** The names where v3 objects are stored by us; undefined where an API serves them. What was not found out is asked again, for "absent" would be a lie meanwhile. */
  const names = async (apiVersion: string): Promise<StoredNames | undefined> => {
    if (apiVersion !== v3) return undefined
    root ??= await apiGroups(api)
    if (root === undefined) return undefined
    known ??= look(root)
    return known.catch((error: unknown) => {
      known = undefined
      throw error
    })
  }
  const byRef = async <Answer>(ref: ObjectRef, call: (ref: ObjectRef) => Promise<Answer>): Promise<[Answer, boolean]> => {
    const here = await names(ref.apiVersion)
    return [await call(here === undefined ? ref : storedRef(ref, here)), here !== undefined]
  }
  const byObject = async (object: KubeObject, call: (object: KubeObject) => Promise<KubeObject>): Promise<KubeObject> => {
    const here = await names(object.apiVersion)
    return here === undefined ? call(object) : shown(await call(stored(object, here)))
  }
  const list: Api['list'] = async (resource, options = {}) => {
    if ((await names(apiVersionOf(resource))) === undefined) return api.list(resource, options)
    const { labelSelector, ...rest } = options
    const objects = (await api.list(resourceOf(storage, resource.kind), rest))?.map(shown)
    return labelSelector === undefined ? objects : objects?.filter(({ metadata }) => hasLabels(metadata.labels ?? {}, labelSelector))
  }
  return {
    ...api,
    request: async (method, path, ...more) => {
      const answer = await api.request(method, path, ...more)
      // Most commands ask this first: it is not asked twice.
      if (method === 'GET' && path === '/apis') root ??= await apiGroups({ request: async () => answer })
      return answer
    },
    get: async (ref, options) => {
      const [found, isStored] = await byRef(ref, (at) => api.get(at, options))
      return found === undefined || !isStored ? found : shown(found)
    },
    list,
    create: (object, options) => byObject(object, (made) => api.create(made, options)),
    apply: (object, options) => byObject(object, (made) => api.apply(made, options)),
    replace: (object, options) => byObject(object, (made) => api.replace(made, options)),
    mergePatch: async (ref, patch, options) => {
      const [patched, isStored] = await byRef(ref, (at) => api.mergePatch(at, patch, options))
      return isStored ? shown(patched) : patched
    },
    delete: async (ref, options) => (await byRef(ref, (at) => api.delete(at, options)))[0],
    deleteCollection: async (resource: Resource, { labelSelector, namespace, ...options }) => {
      const place = namespace === undefined ? {} : { namespace }
      if ((await names(apiVersionOf(resource))) === undefined) return api.deleteCollection(resource, { labelSelector, ...place, ...options })
      // Labels are in an annotation there, which no selector of the API server sees.
      const objects = (await list(resource, { labelSelector, ...place, ...options })) ?? []
      const here = await names(v3)
      const refs = objects.map((object) => (here === undefined ? refOf(object) : storedRef(refOf(object), here)))
      for (let at = 0; at < refs.length; at += deletesAtOnce)
        await Promise.all(refs.slice(at, at + deletesAtOnce).map((ref) => api.delete(ref, options)))
    },
  }
}

/** A label selector of the forms this tool writes: `key`, and `key=value`, joined by commas. */
const hasLabels = (labels: Readonly<Record<string, string>>, selector: string): boolean =>
  selector.split(',').every((part) => {
    const [key = '', value] = part.split('=')
    return value === undefined ? labels[key] !== undefined : labels[key] === value
  })
