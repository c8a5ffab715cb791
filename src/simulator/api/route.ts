import type { ControlPlane } from './control-plane.ts'
import type { Kind } from './kind.ts'

/** What a path asks for. */
export type Route =
  | { readonly kind: 'root'; readonly path: string }
  | { readonly kind: 'group'; readonly group: string; readonly version: string }
  | { readonly kind: 'objects'; readonly of: Kind; readonly namespace?: string; readonly name?: string; readonly subresource?: string }
  | { readonly kind: 'node-proxy'; readonly node: string; readonly path: string }
  | { readonly kind: 'access-review' }
  | { readonly kind: 'unknown-resource'; readonly custom: boolean }
  | { readonly kind: 'nowhere' }

/** Reads a path. */
export const routeOf = (plane: ControlPlane, path: string): Route => {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
  const [root, ...rest] = parts
  if (root === 'api' && rest[0] === 'v1') return inGroup(plane, '', 'v1', rest.slice(1))
  const [group = '', version = '', ...inside] = rest
  if (root === 'apis' && version !== '') return inGroup(plane, group, version, inside)
  return { kind: 'root', path: `/${parts.join('/')}` }
}

const inAuthorization = (group: string, version: string, [resource]: readonly string[]): Route => {
  if (resource === undefined) return { kind: 'group', group, version }
  return resource === 'selfsubjectaccessreviews' ? { kind: 'access-review' } : { kind: 'unknown-resource', custom: false }
}

const inGroup = (plane: ControlPlane, group: string, version: string, parts: readonly string[]): Route => {
  if (group === 'authorization.k8s.io') return inAuthorization(group, version, parts)
  const kinds = plane.kinds.filter((kind) => kind.group === group && kind.version === version)
  if (kinds.length === 0) return { kind: 'nowhere' }
  if (parts.length === 0) return { kind: 'group', group, version }
  const [first = '', second, third, ...more] = parts
  if (group === '' && first === 'nodes' && second !== undefined && third === 'proxy')
    return { kind: 'node-proxy', node: second, path: `/${more.join('/')}` }
  const nested = first === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize'
  const of = kinds.find((kind) => kind.plural === (nested ? third : first) && (!nested || kind.namespaced))
  if (of === undefined) return { kind: 'unknown-resource', custom: kinds.some(({ custom }) => custom) }
  const [name, subresource] = nested ? more : [second, third]
  return {
    ...{ kind: 'objects', of },
    ...(nested && second !== undefined ? { namespace: second } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  }
}
