import type { Right, Where } from '../../src/calico/rights.ts'

/** One call as RBAC sees it. */
export interface Asked {
  readonly verb: string
  readonly group: string
  /** With `/subresource` where it is one. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' }

/** What a request asks for; undefined for paths that are no resources, which every authenticated user may read. */
export const askedBy = ({ method, path }: { readonly method: string; readonly path: string }): Asked | undefined => {
  const [plain = '', query = ''] = path.split('?')
  const parts = plain.split('/').filter(Boolean).map(decodeURIComponent)
  const [group, rest] = parts[0] === 'api' ? ['', parts.slice(2)] : parts[0] === 'apis' ? [parts[1] ?? '', parts.slice(3)] : ['', []]
  const namespaced = rest[0] === 'namespaces' && rest.length > 2
  const [plural, name, sub] = namespaced ? rest.slice(2) : rest
  if (plural === undefined || group === 'authorization.k8s.io') return undefined
  const reading = query.includes('watch=') ? 'watch' : name === undefined ? 'list' : 'get'
  const verb = method === 'GET' ? reading : method === 'DELETE' ? (name === undefined ? 'deletecollection' : 'delete') : (verbs[method] ?? method)
  return {
    ...{ verb, group, resource: sub === undefined ? plural : `${plural}/${sub}` },
    ...(namespaced ? { namespace: rest[1] ?? '' } : {}),
    ...(name === undefined ? {} : { name }),
  }
}

/** Server-side apply makes what is not there: then the server asks for `create` besides `patch` (apiserver/pkg/endpoints/handlers/patch.go). */
export const withCreates = (asked: readonly Asked[]): Asked[] => [
  ...asked,
  ...asked.filter(({ verb }) => verb === 'patch').map(({ name: _, ...rest }) => ({ ...rest, verb: 'create' })),
]

/** The namespaces of a cluster by what the rights call them. */
export type Namespaces = Readonly<Record<Exclude<Where, 'cluster'>, string>>

/** Whether a right covers a call with this verb. */
export const covers = ({ group, resource, verbs: granted, where, names }: Right, asked: Asked, namespaces: Namespaces): boolean =>
  group === asked.group &&
  resource === asked.resource &&
  granted.includes(asked.verb) &&
  (where === 'cluster' || asked.namespace === namespaces[where]) &&
  (names === undefined || (asked.name !== undefined && names.includes(asked.name)))

/** `patch jobs.batch in calico-fw "gate-1"`. */
export const inWords = ({ verb, group, resource, namespace, name }: Asked): string =>
  `${verb} ${resource}${group === '' ? '' : `.${group}`}${namespace === undefined ? '' : ` in ${namespace}`}${name === undefined ? '' : ` "${name}"`}`
