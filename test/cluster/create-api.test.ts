import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { resourceOf, v3 } from '../../src/calico/resources.ts'
import type { Api } from '../../src/cluster/api.ts'
import { createApi } from '../../src/cluster/create-api.ts'
import { failureOf, told } from './test-connection.ts'
import { kept, serve, to } from './test-scope.ts'
import { answer, type Handler, statusBody, type TestServer } from './test-server.ts'

const hep = { apiVersion: v3, kind: 'HostEndpoint', name: 'ws1-ens160' }
const object: KubeObject = { apiVersion: v3, kind: 'HostEndpoint', metadata: { name: hep.name, labels: { a: 'b' } }, spec: { node: 'ws1' } }
const path = '/apis/projectcalico.org/v3/hostendpoints/ws1-ens160'
const stored = { ...object, metadata: { ...object.metadata, uid: 'u1', resourceVersion: '7', futureField: { deep: [1] } }, futureSpec: true }
const gate = { apiVersion: v3, kind: 'NetworkSet', metadata: { name: 'gate-1', namespace: 'calico-fw' } }
const notFound: Handler = (_request, response) => answer(response, 404, statusBody(404, 'NotFound', 'not found'))
const noGroup: Handler = (_request, response) => {
  response.writeHead(404, { 'content-type': 'text/plain' })
  response.end('404 page not found\n')
}
const storedAnswer: Handler = (_request, response) => answer(response, 200, stored)

const apiOf = async (handler: Handler): Promise<{ api: Api; server: TestServer }> => {
  const server = await serve(handler)
  return { server, api: kept(createApi(to({ server: server.url }))) }
}
const lastOf = ({ requests }: TestServer) => {
  const { method, path: at, query, headers, body } = requests.at(-1) ?? { headers: {} as Record<string, string> }
  return { method, path: at, query, type: headers['content-type'], body: body === undefined || body === '' ? undefined : JSON.parse(body) }
}

describe('get', () => {
  it('returns the object as it is, unknown fields included, where typed clients drop them', async () => {
    const { api } = await apiOf(storedAnswer)
    expect(await api.get(hep)).toEqual(stored)
  })

  it('returns undefined for a missing object, and for a missing group', async () => {
    expect(await (await apiOf(notFound)).api.get(hep)).toBeUndefined()
    expect(await (await apiOf(noGroup)).api.get(hep)).toBeUndefined()
  })

  it.each<[string, Handler]>([
    ['a 404 of something else than the API server', (_request, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>')],
    ['HTML', (_request, response) => response.end('<html>')],
    ['half of JSON', (_request, response) => response.end('{"kind":')],
    ['JSON that is no object', (_request, response) => answer(response, 200, [])],
    ['an object without metadata', (_request, response) => answer(response, 200, { kind: 'X', apiVersion: 'v1' })],
  ])('does not take %s for an answer', async (_title, handler) => {
    expect(told(await failureOf((await apiOf(handler)).api.get(hep)))).toMatch(
      /FW_API\nthe answer is no Kubernetes object: get hostendpoints.projectcalico.org ws1-ens160\nHTTP/,
    )
  })
})

describe('writes', () => {
  it.each<[string, (api: Api) => Promise<unknown>, object]>([
    [
      'create',
      (api) => api.create(object),
      {
        method: 'POST',
        path: '/apis/projectcalico.org/v3/hostendpoints',
        query: { fieldManager: 'calico-fw', fieldValidation: 'Strict' },
        type: 'application/json',
        body: object,
      },
    ],
    [
      'create in a namespace',
      (api) => api.create(gate),
      {
        method: 'POST',
        path: '/apis/projectcalico.org/v3/namespaces/calico-fw/networksets',
        query: { fieldManager: 'calico-fw', fieldValidation: 'Strict' },
        type: 'application/json',
        body: gate,
      },
    ],
    [
      'apply, never with force',
      (api) => api.apply(object),
      {
        method: 'PATCH',
        path,
        query: { fieldManager: 'calico-fw', fieldValidation: 'Strict', force: 'false' },
        type: 'application/apply-patch+yaml',
        body: object,
      },
    ],
    [
      'apply as a dry run',
      (api) => api.apply(object, { dryRun: true }),
      {
        method: 'PATCH',
        path,
        query: { fieldManager: 'calico-fw', fieldValidation: 'Strict', force: 'false', dryRun: 'All' },
        type: 'application/apply-patch+yaml',
        body: object,
      },
    ],
    [
      'merge patch, not the JSON patch client-node would send',
      (api) => api.mergePatch(hep, { spec: null }),
      { method: 'PATCH', path, query: { fieldManager: 'calico-fw' }, type: 'application/merge-patch+json', body: { spec: null } },
    ],
    ['replace', (api) => api.replace(object), { method: 'PUT', path, query: { fieldManager: 'calico-fw' }, type: 'application/json', body: object }],
    [
      'delete',
      (api) => api.delete(hep),
      { method: 'DELETE', path, query: {}, type: 'application/json', body: { apiVersion: 'v1', kind: 'DeleteOptions' } },
    ],
    [
      'delete with preconditions',
      (api) => api.delete(hep, { uid: 'u1', resourceVersion: '7', propagation: 'Orphan', dryRun: true }),
      {
        method: 'DELETE',
        path,
        query: {},
        type: 'application/json',
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions: { uid: 'u1', resourceVersion: '7' },
          propagationPolicy: 'Orphan',
          dryRun: ['All'],
        },
      },
    ],
    [
      'deletecollection',
      (api) => api.deleteCollection(resourceOf(v3, 'HostEndpoint'), { labelSelector: 'calico-fw.github.io/run in (1,2)' }),
      {
        method: 'DELETE',
        path: '/apis/projectcalico.org/v3/hostendpoints',
        query: { labelSelector: 'calico-fw.github.io/run in (1,2)' },
        type: undefined,
        body: undefined,
      },
    ],
  ])('%s', async (_title, call, expected) => {
    const { api, server } = await apiOf(storedAnswer)
    await call(api)
    expect(lastOf(server)).toEqual(expected)
  })

  it('several writes with bodies share one connection, DELETE among them', async () => {
    const { api, server } = await apiOf(storedAnswer)
    await api.apply(object)
    await api.delete(hep, { uid: 'u1' })
    await api.apply(object)
    expect([server.connections(), server.requests.length]).toEqual([1, 3])
  })

  it('delete tells whether it was there', async () => {
    expect(await (await apiOf(storedAnswer)).api.delete(hep)).toBe(true)
    expect(await (await apiOf(notFound)).api.delete(hep)).toBe(false)
  })

  it('a failed precondition is FW_CONFLICT', async () => {
    const { api } = await apiOf((_request, response) =>
      answer(response, 409, statusBody(409, 'Conflict', 'Precondition failed: UID in precondition: u1')),
    )
    expect((await failureOf(api.delete(hep, { uid: 'u1' }))).code).toBe('FW_CONFLICT')
  })

  it('a write to a missing group is an error', async () => {
    expect((await failureOf((await apiOf(noGroup)).api.apply(object))).code).toBe('FW_NOT_FOUND')
  })

  it('deletecollection without a selector is a bug, and sends nothing', async () => {
    const { api, server } = await apiOf(storedAnswer)
    await expect(api.deleteCollection(resourceOf(v3, 'HostEndpoint'), { labelSelector: ' ' })).rejects.toThrow('without a label selector')
    expect(server.requests).toHaveLength(0)
  })
})

describe('list', () => {
  const nodes = resourceOf('v1', 'Node')
  const pages =
    (count: number): Handler =>
    (request, response) => {
      const page = Number(request.query.continue ?? '0')
      answer(response, 200, {
        kind: 'NodeList',
        apiVersion: 'v1',
        metadata: { continue: page + 1 < count ? String(page + 1) : '' },
        items: [{ metadata: { name: `n${page}` } }],
      })
    }

  it('reads every page of 500, and gives each item the apiVersion and kind that lists leave out', async () => {
    const { api, server } = await apiOf(pages(3))
    const items = await api.list(nodes, { labelSelector: 'a=b', fieldSelector: 'metadata.name!=x' })
    expect(items).toEqual(['n0', 'n1', 'n2'].map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })))
    const selectors = { labelSelector: 'a=b', fieldSelector: 'metadata.name!=x', limit: '500' }
    expect(server.requests.map(({ query }) => query)).toEqual([selectors, { ...selectors, continue: '1' }, { ...selectors, continue: '2' }])
  })

  it('lists one namespace', async () => {
    const { api, server } = await apiOf(pages(1))
    await api.list(resourceOf('v1', 'Pod'), { namespace: 'kube-system' })
    expect(server.requests[0]?.path).toBe('/api/v1/namespaces/kube-system/pods')
  })

  it('begins anew when its continue token has expired', async () => {
    let expired = false
    const { api } = await apiOf((request, response) => {
      if (request.query.continue !== '2' || expired) return pages(3)(request, response)
      expired = true
      answer(response, 410, statusBody(410, 'Expired', 'the provided continue parameter is too old'))
    })
    expect((await api.list(nodes))?.map(({ metadata }) => metadata.name)).toEqual(['n0', 'n1', 'n2'])
  })

  it('gives up after three new beginnings', async () => {
    const { api, server } = await apiOf((request, response) =>
      request.query.continue === undefined ? pages(2)(request, response) : answer(response, 410, statusBody(410, 'Expired', 'old')),
    )
    expect((await failureOf(api.list(nodes))).code).toBe('FW_GONE')
    expect(server.requests).toHaveLength(8)
  })

  it('is undefined for a missing group, and empty for an empty list', async () => {
    expect(await (await apiOf(noGroup)).api.list(nodes)).toBeUndefined()
    expect(
      await (await apiOf((_request, response) => answer(response, 200, { kind: 'NodeList', metadata: {}, items: null }))).api.list(nodes),
    ).toEqual([])
  })

  it('an aggregated API that is down is an error, not an empty list', async () => {
    const { api } = await apiOf((_request, response) => response.writeHead(503).end('service unavailable'))
    expect((await failureOf(api.list(nodes))).code).toBe('FW_API')
  })
})

describe('request', () => {
  it('returns JSON parsed, and anything else as text', async () => {
    const { api } = await apiOf((request, response) => (request.path === '/version' ? answer(response, 200, { major: '1' }) : response.end('ok')))
    expect([await api.request('GET', '/version'), await api.request('GET', '/readyz')]).toEqual([{ major: '1' }, 'ok'])
  })

  it('sends what it is given under the content type it is given', async () => {
    const { api, server } = await apiOf(storedAnswer)
    await api.request('PATCH', '/x', [{ op: 'remove', path: '/spec' }], { contentType: 'application/json-patch+json' })
    expect(lastOf(server)).toMatchObject({
      method: 'PATCH',
      path: '/x',
      type: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/spec' }],
    })
  })

  it('a 404 is an error', async () => {
    expect((await failureOf((await apiOf(notFound)).api.request('GET', '/x'))).code).toBe('FW_NOT_FOUND')
  })
})
