import { describe, expect, it } from 'vitest'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { failureOf, told } from './test-connection.ts'
import { get, ok, serve, to } from './test-scope.ts'
import { answer, type Handler, statusBody } from './test-server.ts'

describe('connections', () => {
  it('carries 11 requests over 1 connection and 1 handshake, where client-node makes 11', async () => {
    const server = await serve(ok)
    const connection = to({ server: server.url })
    for (let count = 0; count < 11; count++) await connection.send(get)
    expect([server.requests.length, server.connections(), server.handshakes()]).toEqual([11, 1, 1])
  })

  it('opens at most 16 for any number of requests at once', async () => {
    const server = await serve((_request, response) => setImmediate(() => answer(response, 200, {})))
    const connection = to({ server: server.url })
    await Promise.all(Array.from({ length: 100 }, () => connection.send(get)))
    expect(server.requests).toHaveLength(100)
    expect(server.connections()).toBeLessThanOrEqual(16)
  })

  it('opens every connection by the OpenSocket it was given', async () => {
    const server = await serve(ok)
    const dialled: string[] = []
    const connection = to(
      { server: 'https://kubernetes:6443' },
      {
        options: {
          openSocket: (host, port) => {
            dialled.push(`${host}:${port}`)
            return openSocket('127.0.0.1', server.port)
          },
        },
      },
    )
    await connection.send(get)
    expect(dialled).toEqual(['kubernetes:6443'])
    expect([server.requests[0]?.servername, server.requests[0]?.headers.host]).toEqual(['kubernetes', 'kubernetes:6443'])
  })

  it('goes to a plain http server without insecure-skip-tls-verify, and keeps the credentials to itself there', async () => {
    const server = await serve(ok, 'none')
    await to({ server: server.url, user: { token: 'secret', as: 'jane' } }).send(get)
    expect([server.requests[0]?.headers.authorization, server.requests[0]?.headers['impersonate-user']]).toEqual([undefined, 'jane'])
  })

  it('keeps the path of the server before every path', async () => {
    const server = await serve(ok)
    await to({ server: `${server.url}/k8s/clusters/c-1/` }).send({ method: 'GET', path: '/api/v1/nodes?limit=1' })
    expect([server.requests[0]?.path, server.requests[0]?.query]).toEqual(['/k8s/clusters/c-1/api/v1/nodes', { limit: '1' }])
  })

  it('close ends what is kept alive, and what is under way', async () => {
    let arrived = (): void => undefined
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const server = await serve(() => arrived())
    const connection = to({ server: server.url })
    const failed = failureOf(connection.send(get))
    await arrival
    connection.close()
    expect((await failed).code).toBe('FW_UNREACHABLE')
  })
})

describe('a connection that broke while idle', () => {
  /** Answers the first request; resets the connection when the second arrives on it. */
  const resetsSecond: () => Handler = () => {
    let count = 0
    return (request, response) => {
      count++
      if (count === 2) request.socket.destroy()
      else answer(response, 200, { count })
    }
  }

  it('a read is sent again once, on a new connection', async () => {
    const server = await serve(resetsSecond())
    const connection = to({ server: server.url })
    await connection.send(get)
    expect(JSON.parse((await connection.send(get)).body.toString())).toEqual({ count: 3 })
    expect(server.connections()).toBe(2)
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('a %s is not: the error says that its fate is not known', async (method) => {
    const server = await serve(resetsSecond())
    const connection = to({ server: server.url })
    await connection.send(get)
    const error = await failureOf(connection.send({ method, path: '/api/v1/namespaces/x', body: '{}' }))
    expect(told(error)).toMatch(
      /FW_UNREACHABLE\n.*\n.*whether the server carried it out is not known, so it was not sent again\nlook at what is there/,
    )
    expect(server.requests).toHaveLength(2)
  })

  it('a read that breaks on a new connection is not repeated', async () => {
    const server = await serve((request) => request.socket.destroy())
    expect((await failureOf(to({ server: server.url }).send(get))).code).toBe('FW_UNREACHABLE')
    expect(server.requests).toHaveLength(1)
  })
})

describe('429', () => {
  const busy = (times: number, retryAfter: string): Handler => {
    let left = times
    return (_request, response) => {
      if (left-- > 0) answer(response, 429, statusBody(429, 'TooManyRequests', 'slow down'), { 'retry-after': retryAfter })
      else answer(response, 200, {})
    }
  }

  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('is waited out for a %s: the server has done nothing yet', async (method) => {
    const server = await serve(busy(3, '0'))
    expect((await to({ server: server.url }).send({ method, path: '/api/v1/nodes' })).status).toBe(200)
    expect(server.requests).toHaveLength(4)
  })

  it('honours Retry-After', async () => {
    const server = await serve(busy(1, '0.2'))
    const begun = performance.now()
    await to({ server: server.url }).send(get)
    expect(performance.now() - begun).toBeGreaterThan(190)
  })

  it('ends as FW_THROTTLED after six tries', async () => {
    const server = await serve(busy(100, '0'))
    const error = await failureOf(to({ server: server.url }).send(get))
    expect(told(error)).toMatch(/FW_THROTTLED\nthe server is too busy to get \/version\nasked 6 times/)
    expect(server.requests).toHaveLength(6)
  })

  it('does not wait longer than the call may last', async () => {
    const server = await serve(busy(1, '11'))
    expect((await failureOf(to({ server: server.url }).send(get))).code).toBe('FW_THROTTLED')
  })
})
