import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/cluster/errors/api-error.ts'
import { failureOf, told } from './test-connection.ts'
import { get, serve, to } from './test-scope.ts'
import { answer, fixture, statusBody } from './test-server.ts'

describe('the server says no', () => {
  const path = '/apis/projectcalico.org/v3/globalnetworkpolicies/calico-fw-base?fieldManager=x'
  const refusal = async (status: number, body: object | string, headers: Record<string, string> = {}, flags = {}): Promise<ApiError> => {
    const server = await serve((_request, response) => {
      if (typeof body === 'object') return answer(response, status, body, headers)
      response.writeHead(status, headers)
      response.end(body)
    })
    const error = await failureOf(to({ server: server.url, user: { token: 't' } }, { flags }).send({ method: 'PATCH', path }))
    if (error instanceof ApiError) return error
    throw error
  }

  it.each<[number, object | string, Record<string, string>, string, RegExp]>([
    [
      401,
      statusBody(401, 'Unauthorized', 'Unauthorized'),
      {},
      'FW_UNAUTHORIZED',
      /does not accept the credentials of user "operator"\nUnauthorized\n.*kubectl auth whoami/,
    ],
    [
      403,
      statusBody(403, 'Forbidden', 'globalnetworkpolicies.projectcalico.org "calico-fw-base" is forbidden: User "jane" cannot patch'),
      {},
      'FW_FORBIDDEN',
      /user "jane" may not patch globalnetworkpolicies.projectcalico.org calico-fw-base\n.*cannot patch\n.*kubectl auth can-i patch globalnetworkpolicies.projectcalico.org\/calico-fw-base --context home/,
    ],
    [404, '404 page not found\n', { 'content-type': 'text/plain' }, 'FW_NOT_FOUND', /not found: patch globalnetworkpolicies/],
    [409, statusBody(409, 'AlreadyExists', 'already exists'), {}, 'FW_CONFLICT', /it exists already/],
    [
      409,
      statusBody(409, 'Conflict', 'the object has been modified'),
      {},
      'FW_CONFLICT',
      /somebody else has changed it: patch .*\nthe object has been modified/,
    ],
    [
      409,
      statusBody(409, 'Conflict', 'Apply failed with 1 conflict', {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-edit"', field: '.spec.order' }],
      }),
      {},
      'FW_CONFLICT',
      /\n\.spec\.order: conflict with "kubectl-edit"\n/,
    ],
    [410, statusBody(410, 'Expired', 'too old resource version'), {}, 'FW_GONE', /dropped the version/],
    [
      422,
      statusBody(422, 'Invalid', 'is invalid', {
        causes: [
          { reason: 'FieldValueInvalid', message: 'must be a number', field: 'spec.order' },
          { reason: 'FieldValueRequired', message: 'required', field: 'spec.types' },
        ],
      }),
      {},
      'FW_INVALID',
      /\nspec.order: must be a number; spec.types: required\n/,
    ],
    [
      500,
      statusBody(
        500,
        '',
        'failed to create typed patch object (/x; projectcalico.org/v3, Kind=GlobalNetworkPolicy): .spec.bogus: field not declared in schema',
      ),
      {},
      'FW_INVALID',
      /does not know a field.*\n.*\.spec\.bogus/,
    ],
    [
      422,
      statusBody(422, 'Invalid', 'x', { causes: [{ reason: 'FieldValueInvalid', message: 'some rules were not checked', field: '<nil>' }] }),
      {},
      'FW_INVALID',
      /\nsome rules were not checked\n/,
    ],
    [
      400,
      statusBody(400, 'BadRequest', 'strict decoding error: unknown field "spec.futureField"'),
      {},
      'FW_INVALID',
      /does not know a field.*\n.*spec.futureField/,
    ],
    [
      403,
      statusBody(403, 'Forbidden', 'admission webhook "gate.example.org" denied the request: no'),
      {},
      'FW_INVALID',
      /admission policy gate.example.org refuses to patch/,
    ],
    [
      500,
      statusBody(500, 'InternalError', 'Internal error occurred: failed calling webhook "w.example.org": timeout'),
      {},
      'FW_API',
      /webhook w.example.org does not answer/,
    ],
    [503, 'service unavailable', {}, 'FW_API', /the API is not available.*\nservice unavailable\n.*kubectl get apiservices/],
    [504, statusBody(504, 'Timeout', 'request did not complete'), {}, 'FW_TIMEOUT', /gave up on its own work/],
    [302, '', { location: 'https://login.example.org/' }, 'FW_API', /sends us elsewhere.*\nHTTP 302 to https:\/\/login.example.org/],
    [502, '<html><h1>Bad gateway</h1></html>', { 'content-type': 'text/html' }, 'FW_API', /HTTP 502.*\n.*web page/],
    [500, 'plain words', {}, 'FW_API', /HTTP 500.*\nplain words\n/],
    [500, '{"kind": "Status"', { 'content-type': 'application/json' }, 'FW_API', /HTTP 500.*\n\{"kind"/],
    [500, '', {}, 'FW_API', /HTTP 500.*\nHTTP 500\n/],
  ])('%d becomes the error a user can act on', async (status, body, headers, code, expected) => {
    const error = await refusal(status, body, headers)
    expect(told(error)).toMatch(expected)
    expect([error.code, error.status]).toEqual([code, status])
  })

  it('keeps the causes for whoever wants them', async () => {
    const error = await refusal(422, statusBody(422, 'Invalid', 'x', { causes: [{ reason: 'FieldValueInvalid', message: 'm', field: 'f' }] }))
    expect([error.reason, error.causes]).toEqual(['Invalid', [{ reason: 'FieldValueInvalid', message: 'm', field: 'f' }]])
  })

  it('names whom we act as, and the flags to ask the cluster with', async () => {
    const error = await refusal(403, statusBody(403, 'Forbidden', 'no'), {}, { as: 'jane', asGroup: ['dev'] })
    expect(told(error)).toMatch(/user "jane" may not.*\n.*\n.*--context home --as jane --as-group dev$/)
  })

  it('strips terminal escapes from what the server says', async () => {
    const error = await refusal(500, statusBody(500, 'x', '\u001b[2J\u001b]0;owned\u0007all \u202egood\u0000\u009b31m'))
    expect(error.why).toBe('all good')
  })

  it('says that the client certificate has expired when that is why', async () => {
    const server = await serve((_request, response) => answer(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized')))
    const user = {
      'client-certificate-data': fixture('expired-client.pem').toString('base64'),
      'client-key-data': fixture('expired-client.key').toString('base64'),
    }
    expect(told(await failureOf(to({ server: server.url, user }).send(get)))).toMatch(
      /its client certificate ended on 2021-01-01\n.*kubeadm certs renew/,
    )
  })

  it('never shows a credential', async () => {
    const server = await serve((_request, response) => answer(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized')))
    const seen: unknown[] = []
    const error = await failureOf(
      to({ server: server.url, user: { token: 'hunter2' } }, { options: { onExchange: (each) => seen.push(each) } }).send(get),
    )
    expect(told(error) + JSON.stringify(error) + JSON.stringify(seen)).not.toContain('hunter2')
    expect(seen).toEqual([{ method: 'GET', url: `${server.url}/version`, status: 401 }])
  })
})
