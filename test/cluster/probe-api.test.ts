import { describe, expect, it } from 'vitest'
import { probeApi } from '../../src/cluster/pods/probe-api.ts'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { failureOf, told } from './test-connection.ts'
import { startHttpProxy } from './test-proxy.ts'
import { get, kept, ok, serve, to } from './test-scope.ts'
import { fixture, type Handler } from './test-server.ts'

const ready: Handler = (_request, response) => response.end('ok')

describe('probeApi', () => {
  it('makes a new connection and a new handshake every time, and leaves the kept-alive one alone', async () => {
    const server = await serve(ready)
    const connection = to({ server: server.url })
    await connection.send(get)
    for (let count = 0; count < 3; count++) await probeApi(connection, { timeoutMs: 5_000 })
    await connection.send(get)
    expect([server.requests.length, server.connections(), server.handshakes()]).toEqual([5, 4, 4])
    expect(server.requests.map(({ path }) => path)).toEqual(['/version', '/readyz', '/readyz', '/readyz', '/version'])
  })

  it('closes its connection when it is done', async () => {
    const server = await serve(ready)
    await probeApi(to({ server: server.url }), { timeoutMs: 5_000 })
    await expect.poll(() => server.requests[0]?.socket.destroyed).toBe(true)
  })

  it('tells the status, the body and the address we came from', async () => {
    const server = await serve((_request, response) => response.writeHead(503).end('etcd failed'))
    expect(await probeApi(to({ server: server.url }), { timeoutMs: 5_000, path: '/readyz?verbose' })).toEqual({
      status: 503,
      body: 'etcd failed',
      localAddress: '127.0.0.1',
    })
  })

  it("dials another endpoint and still wants the kubeconfig's own name on the certificate", async () => {
    const server = await serve(ready)
    const dialled: string[] = []
    const connection = to(
      { server: 'https://kubernetes:7443', user: { token: 't' } },
      {
        options: {
          openSocket: (host, port) => {
            dialled.push(`${host}:${port}`)
            return openSocket('127.0.0.1', server.port)
          },
        },
      },
    )
    await probeApi(connection, { address: '192.0.2.7', port: 6443, timeoutMs: 5_000 })
    await probeApi(connection, { address: '2001:db8::7', port: 6443, timeoutMs: 5_000 })
    expect(dialled).toEqual(['192.0.2.7:6443', '2001:db8::7:6443'])
    expect(server.requests.map(({ servername, headers }) => [servername, headers.host, headers.authorization])).toEqual([
      ['kubernetes', 'kubernetes:7443', 'Bearer t'],
      ['kubernetes', 'kubernetes:7443', 'Bearer t'],
    ])
  })

  it('uses tls-server-name where the kubeconfig has one', async () => {
    const server = await serve(ready)
    await probeApi(to({ server: server.url, cluster: { 'tls-server-name': 'kubernetes' } }), { timeoutMs: 5_000 })
    expect(server.requests[0]?.servername).toBe('kubernetes')
  })

  it('an endpoint that is somebody else fails as TLS does', async () => {
    const server = await serve(ready)
    const elsewhere = { server: 'https://elsewhere:6443' }
    const error = await failureOf(probeApi(to(elsewhere), { address: '127.0.0.1', port: server.port, timeoutMs: 5_000 }))
    expect(told(error)).toMatch(/FW_TLS\nthe certificate of 127.0.0.1:\d+ is for another name/)
    const wrongCa = { server: server.url, cluster: { 'certificate-authority-data': fixture('other-ca.pem').toString('base64') } }
    expect((await failureOf(probeApi(to(wrongCa), { timeoutMs: 5_000 }))).code).toBe('FW_TLS')
  })

  it('shows no credentials to another address when nothing proves whose it is', async () => {
    const server = await serve(ready)
    const insecure = { 'certificate-authority-data': '', 'insecure-skip-tls-verify': true }
    const connection = to({ server: 'https://kubernetes:6443', cluster: insecure, user: { token: 'secret' } })
    await probeApi(connection, { address: '127.0.0.1', port: server.port, timeoutMs: 5_000 })
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('goes through the proxy the connection uses', async () => {
    const server = await serve(ready)
    const proxy = kept(await startHttpProxy(server.port))
    const connection = to({ server: 'https://kubernetes:6443', cluster: { 'proxy-url': `http://127.0.0.1:${proxy.port}` } })
    await probeApi(connection, { timeoutMs: 5_000 })
    await probeApi(connection, { address: '192.0.2.7', port: 6443, timeoutMs: 5_000 })
    expect(proxy.asked).toEqual(['CONNECT kubernetes:6443', 'CONNECT 192.0.2.7:6443'])
  })

  it('ends at its deadline', async () => {
    const server = await serve(() => undefined)
    expect((await failureOf(probeApi(to({ server: server.url }), { timeoutMs: 40 }))).code).toBe('FW_TIMEOUT')
  })

  it('a 429 is an answer: the server was reached', async () => {
    const server = await serve((_request, response) => response.writeHead(429).end())
    expect((await probeApi(to({ server: server.url }), { timeoutMs: 5_000 })).status).toBe(429)
    expect(server.requests).toHaveLength(1)
  })

  it('leaves nothing open that the simplest request would not', async () => {
    const server = await serve(ok)
    const connection = to({ server: server.url })
    await Promise.all(Array.from({ length: 20 }, () => probeApi(connection, { timeoutMs: 5_000 })))
    expect(server.connections()).toBe(20)
  })
})
