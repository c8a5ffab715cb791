import * as v from 'valibot'
import { type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import { apiVersionOf, type Resource, resourceOf, storage, v3 } from '../calico/resources.ts'
import type { Api } from './api.ts'
import { type StoredNames, shown, stored, storedRef } from './stored-calico.ts'

const groupsShape = v.object({ groups: v.array(v.object({ name: v.string() })) })
const informationShape = v.object({ spec: v.object({ calicoVersion: v.string() }) })

/** So many objects are deleted side by side where one request for all of them is not to be had. */
const deletesAtOnce = 8

/**
 * An API that serves projectcalico.org/v3 also where Calico has only its storage CRDs: v3 objects are written there as Calico's own client writes them, and read
 * back as its API would show them. Everything else passes, storage objects too. Which of the two it is, is asked once.
 */
export const withStoredCalico = (api: Api): Api => {
  let asked: Promise<StoredNames | undefined> | undefined
  const lookedAt = async (root: unknown): Promise<StoredNames | undefined> => {
    const groups = v.safeParse(groupsShape, root)
    const has = (name: string): boolean => groups.success && groups.output.groups.some((group) => group.name === name)
    if (has('projectcalico.org') || !has('crd.projectcalico.org')) return undefined
    // Calico's own API server, where it is registered and down, is not in the list of groups: it keeps these objects, and is not passed by.
    if ((await api.get({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', name: 'v3.projectcalico.org' })) !== undefined) return undefined
    const information = v.safeParse(informationShape, await api.get({ apiVersion: storage, kind: 'ClusterInformation', name: 'default' }))
    return { prefixed: information.success && isBefore332(information.output.spec.calicoVersion) }
  }
  /** The names where v3 objects are stored by us; undefined where an API serves them. What cannot be found out is asked again. */
  const names = (apiVersion: string): Promise<StoredNames | undefined> => {
    if (apiVersion !== v3) return Promise.resolve(undefined)
    asked ??= api.request('GET', '/apis').then(lookedAt)
    return asked.catch(() => {
      asked = undefined
      return undefined
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
      if (method === 'GET' && path === '/apis') asked ??= lookedAt(answer)
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

const isBefore332 = (version: string): boolean => {
  const [, major = '0', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) < 3 || (Number(major) === 3 && Number(minor) < 32)
}

/** A label selector of the forms this tool writes: `key`, and `key=value`, joined by commas. */
const hasLabels = (labels: Readonly<Record<string, string>>, selector: string): boolean =>
  selector.split(',').every((part) => {
    const [key = '', value] = part.split('=')
    return value === undefined ? labels[key] !== undefined : labels[key] === value
  })
