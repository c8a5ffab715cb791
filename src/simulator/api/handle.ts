import { type Attributes, anonymous, forbiddenTo, reviewAccess } from './authorization.ts'
import { type ApiAnswer, type ApiCall, verbOf } from './call.ts'
import type { ControlPlane } from './control-plane.ts'
import { describeGroup, describeRoot } from './discovery.ts'
import {
  createObject,
  getObject,
  parseBody,
  patchObject,
  refuseSubresource,
  removeCollection,
  removeObject,
  replaceObject,
  type Target,
} from './objects.ts'
import { listObjects } from './read.ts'
import { routeOf } from './route.ts'
import { ApiFailure, noSuchResource, unavailable } from './status.ts'
import { watchObjects } from './watch.ts'

/** What the API needs of the world around it. */
export interface Surroundings {
  /** The API server's proxy to a kubelet: its answer, or a failure when the node does not answer. */
  readonly nodeProxy: (node: string, path: string) => Promise<ApiAnswer>
  /** Resolves when Calico's API server answers again. */
  readonly whenAggregatedServes: () => Promise<void>
}

const open = ['/healthz', '/livez', '/readyz', '/version']

/** Answers one call. @throws ApiFailure for every failure */
export const handleCall = async (plane: ControlPlane, call: ApiCall, around: Surroundings): Promise<ApiAnswer> => {
  const route = routeOf(plane, call.path)
  switch (route.kind) {
    case 'root': {
      if (call.user === anonymous && !open.includes(route.path)) throw forbiddenPath(call)
      const body = describeRoot(plane, route.path)
      return body === undefined ? { code: 404, body: '404 page not found\n' } : { code: 200, body }
    }
    case 'nowhere':
      return { code: 404, body: '404 page not found\n' }
    case 'unknown-resource':
      // A group served from CRDs answers like a web server, one built in like the API.
      if (route.custom) return { code: 404, body: '404 page not found\n' }
      throw noSuchResource()
    case 'access-review':
      return { code: 201, body: reviewAccess(plane.authorizer, call.user, parseBody(call.body)) }
    case 'group':
      if (plane.kinds.some((kind) => kind.group === route.group && kind.view !== undefined)) await aggregatedServes(plane, around)
      return { code: 200, body: describeGroup(plane, route.group, route.version) }
    case 'node-proxy':
      authorize(plane, { user: call.user, verb: 'get', group: '', resource: 'nodes', subresource: 'proxy', name: route.node })
      if (plane.store.get('nodes', undefined, route.node) === undefined) throw new ApiFailure(404, 'NotFound', `nodes "${route.node}" not found`)
      return around.nodeProxy(route.node, route.path)
    case 'objects':
      authorize(plane, attributesOf(call, route))
      if (route.of.view !== undefined) await aggregatedServes(plane, around)
      return answer(plane, call, route)
  }
}

const forbiddenPath = ({ user, path }: ApiCall): ApiFailure =>
  new ApiFailure(403, 'Forbidden', `forbidden: User "${user}" cannot get path "${path}"`, { details: {} })

const authorize = (plane: ControlPlane, attributes: Attributes): void => {
  if (!plane.authorizer.allows(attributes)) throw forbiddenTo(attributes)
}

const aggregatedServes = async ({ aggregated }: ControlPlane, { whenAggregatedServes }: Surroundings): Promise<void> => {
  if (aggregated.state === 'down') throw unavailable('the server is currently unable to handle the request')
  if (aggregated.state === 'frozen') await whenAggregatedServes()
}

const isWatch = ({ query }: ApiCall): boolean => query.get('watch') === 'true' || query.get('watch') === '1'

const attributesOf = (call: ApiCall, { of, namespace, name, subresource }: Target): Attributes => ({
  ...{ user: call.user, verb: verbOf(call.method, name !== undefined, isWatch(call)), group: of.group, resource: of.plural },
  ...(subresource === undefined ? {} : { subresource }),
  ...(namespace === undefined ? {} : { namespace }),
  ...(name === undefined ? {} : { name }),
})

/** A watch without `timeoutSeconds` ends by itself after half an hour, as the API server's do between half an hour and an hour. */
const watchSeconds = 1800

const answer = (plane: ControlPlane, call: ApiCall, target: Target): ApiAnswer => {
  refuseSubresource(target)
  const named = target.name !== undefined
  switch (call.method) {
    case 'GET':
      if (isWatch(call)) {
        const timeoutMs = Number(call.query.get('timeoutSeconds') ?? watchSeconds) * 1000
        return { code: 200, watch: watchObjects(plane, target.of, target.namespace, call.query), timeoutMs }
      }
      return { code: 200, body: named ? getObject(plane, target) : listObjects(plane, target.of, target.namespace, call.query) }
    case 'POST':
      if (named) break
      return { code: 201, body: createObject(plane, target, call) }
    case 'PUT':
      return written(replaceObject(plane, target, call))
    case 'PATCH':
      return written(patchObject(plane, target, call))
    case 'DELETE':
      return { code: 200, body: named ? removeObject(plane, target, call) : removeCollection(plane, target, call) }
  }
  throw new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} })
}

const written = ({ object, created }: { object: unknown; created: boolean }): ApiAnswer => ({ code: created ? 201 : 200, body: object })
