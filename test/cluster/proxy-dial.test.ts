import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { failureOf, told } from './test-connection.ts'
import { startHttpProxy, startSocksProxy } from './test-proxy.ts'
import { get, kept, ok, serve, to } from './test-scope.ts'
import { startServer } from './test-server.ts'

const far = 'https://kubernetes:6443'

describe('through a proxy', () => {
  it('CONNECT carries the TLS of the API server itself, and many requests', async () => {
    const server = await serve(ok)
    const proxy = kept(await startHttpProxy(server.port))
    const connection = to({ server: far, cluster: { 'proxy-url': `http://us%40er:p%3Ass@127.0.0.1:${proxy.port}` } })
    for (let count = 0; count < 3; count++) await connection.send(get)
    expect(proxy.asked).toEqual([`CONNECT kubernetes:6443 Basic ${Buffer.from('us@er:p:ss').toString('base64')}`])
    expect([server.requests.length, server.connections(), server.requests[0]?.servername]).toEqual([3, 1, 'kubernetes'])
    expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined()
  })

  it('HTTPS_PROXY of the environment is used, where client-node ignores it', async () => {
    const server = await serve(ok)
    const proxy = kept(await startHttpProxy(server.port))
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
    await to({ server: far }, { machine: { env } }).send(get)
    expect([proxy.asked.length, server.requests.length]).toEqual([1, 1])
  })

  it('an https proxy may be signed by the authority of the cluster', async () => {
    const server = await serve(ok)
    const proxy = kept(await startHttpProxy(server.port, { secure: true }))
    await to({ server: far, cluster: { 'proxy-url': `https://localhost:${proxy.port}` } }).send(get)
    expect([proxy.asked, server.requests.length]).toEqual([['CONNECT kubernetes:6443'], 1])
  })

  it('a plain http server is asked for by its whole URL', async () => {
    const proxy = kept(await startHttpProxy(0))
    const answer = await to({ server: 'http://kubernetes:8080', cluster: { 'proxy-url': `http://u:p@127.0.0.1:${proxy.port}` } }).send(get)
    expect([answer.body.toString(), proxy.asked]).toEqual(['{"proxied": true}', ['GET http://kubernetes:8080/version Basic dTpw']])
  })

  it.each([
    ['a name', far, 'kubernetes:6443'],
    ['an IPv4 address', 'https://192.0.2.7:6443', '192.0.2.7:6443'],
    ['an IPv6 address', 'https://[2001:db8::7]:443', '20010db8000000000000000000000007:443'],
  ])('SOCKS5 reaches %s, resolved by the proxy', async (_title, server, asked) => {
    const real = await serve(ok)
    const proxy = kept(await startSocksProxy(real.port))
    await to({ server, cluster: { 'proxy-url': `socks5://127.0.0.1:${proxy.port}`, 'tls-server-name': 'kubernetes' } }).send(get)
    expect([proxy.asked, real.requests.length]).toEqual([[asked], 1])
  })

  it('SOCKS5 signs in with user and password', async () => {
    const server = await serve(ok)
    const proxy = kept(await startSocksProxy(server.port, { password: 'u:p' }))
    await to({ server: far, cluster: { 'proxy-url': `socks5://u:p@127.0.0.1:${proxy.port}` } }).send(get)
    expect(server.requests).toHaveLength(1)
  })
})

describe('a proxy that fails is named, and the server is never reached around it', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'dead',
      async () => {
        const gone = await startServer(ok)
        await gone.close()
        return `http://127.0.0.1:${gone.port}`
      },
      /the proxy http:\/\/127.0.0.1:\d+ does not let us through to kubernetes:6443\n.*ECONNREFUSED.*\n.*NO_PROXY=kubernetes/,
    ],
    [
      'refusing',
      async () => `http://u:secret@127.0.0.1:${kept(await startHttpProxy(0, { status: '403 Filtered' })).port}`,
      /\nit answers 403 Filtered\n/,
    ],
    [
      'refusing by SOCKS',
      async () => `socks5://127.0.0.1:${kept(await startSocksProxy(0, { reply: 2 })).port}`,
      /\nit answers: not allowed by its rules\n/,
    ],
    [
      'with another password',
      async () => `socks5://u:secret@127.0.0.1:${kept(await startSocksProxy(0, { password: 'u:p' })).port}`,
      /\nit refuses the user and password\n/,
    ],
    ['that is no SOCKS5', async () => `socks5://127.0.0.1:${kept(await startHttpProxy(0)).port}`, /\nit is no SOCKS5 proxy\n/],
    ['that hangs up', async () => `http://127.0.0.1:${await portOf((socket) => socket.end())}`, /\nit closed the connection\n/],
    [
      'that talks without end',
      async () => `http://127.0.0.1:${await portOf((socket) => socket.write('HTTP/1.1 200 OK\r\n'.repeat(2_000)))}`,
      /\nits answer has no end\n/,
    ],
  ])('%s', async (_title, start, expected) => {
    const error = await failureOf(to({ server: far, cluster: { 'proxy-url': await start() } }).send(get))
    expect(told(error)).toMatch(expected)
    expect(told(error)).not.toContain('secret')
    expect(error.code).toBe('FW_UNREACHABLE')
  })

  it('a silent one ends at the deadline', async () => {
    const port = await portOf(() => undefined)
    const error = await failureOf(to({ server: far, cluster: { 'proxy-url': `http://127.0.0.1:${port}` } }).send({ ...get, timeoutMs: 50 }))
    expect(error.code).toBe('FW_TIMEOUT')
  })
})

/** A port where every connection meets the same fate. */
async function portOf(fate: (socket: net.Socket) => unknown): Promise<number> {
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => {
    sockets.push(socket)
    fate(socket.on('error', () => undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  kept({
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return (server.address() as net.AddressInfo).port
}
