import { describe, expect, it } from 'vitest'
import { canI, formatRequest, requestWords } from '../../src/cluster/errors/request-words.ts'

describe('a request in the words of its access rules', () => {
  it.each([
    ['GET', '/api/v1/nodes?limit=500', 'list nodes', 'list nodes'],
    ['GET', '/api/v1/nodes?watch=true', 'watch nodes', 'watch nodes'],
    ['GET', '/api/v1/nodes/ws1', 'get nodes ws1', 'get nodes/ws1'],
    ['GET', '/api/v1/nodes/ws1/proxy/healthz', 'get nodes/proxy ws1', 'get nodes/ws1 --subresource=proxy'],
    ['GET', '/api/v1/namespaces', 'list namespaces', 'list namespaces'],
    ['GET', '/api/v1/namespaces/calico-fw', 'get namespaces calico-fw', 'get namespaces/calico-fw'],
    ['POST', '/apis/batch/v1/namespaces/calico-fw/jobs', 'create jobs.batch in calico-fw', 'create jobs.batch --namespace=calico-fw'],
    [
      'PATCH',
      '/apis/projectcalico.org/v3/hostendpoints/a%20b',
      'patch hostendpoints.projectcalico.org a b',
      'patch hostendpoints.projectcalico.org/a b',
    ],
    ['PUT', '/apis/x/v1/ys/z', 'update ys.x z', 'update ys.x/z'],
    ['DELETE', '/apis/x/v1/ys/z', 'delete ys.x z', 'delete ys.x/z'],
    ['DELETE', '/apis/x/v1/ys?labelSelector=a', 'deletecollection ys.x', 'deletecollection ys.x'],
    ['GET', '/readyz?verbose', 'get /readyz', 'get /readyz'],
    ['GET', '/apis', 'get /apis', 'get /apis'],
  ])('%s %s', (method, path, words, question) => {
    expect(formatRequest(requestWords(method, path))).toBe(words)
    expect(canI(requestWords(method, path), '--context home')).toBe(`kubectl auth can-i ${question} --context home`)
  })
})
