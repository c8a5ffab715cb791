import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { failureOf, told } from './test-connection.ts'
import { get, kept, ok, serve, to } from './test-scope.ts'
import { startServer } from './test-server.ts'

describe('a server that fails', () => {
  it('a refused port is FW_UNREACHABLE', async () => {
    const server = await startServer(ok)
    await server.close()
    const error = await failureOf(to({ server: server.url }).send(get))
    expect(told(error)).toMatch(/FW_UNREACHABLE\n127.0.0.1:\d+ cannot be reached\n.*ECONNREFUSED.*\n.*nc -vz 127.0.0.1 \d+/)
  })

  it('an unknown name is FW_UNREACHABLE', async () => {
    const lookupFails = (): net.Socket => {
      const socket = new net.Socket()
      setImmediate(() => socket.destroy(Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' })))
      return socket
    }
    const error = await failureOf(to({ server: 'https://nowhere:6443' }, { options: { openSocket: lookupFails } }).send(get))
    expect(told(error)).toMatch(/FW_UNREACHABLE\nnowhere:6443 cannot be reached\nits name has no address.*\n.*DNS/)
  })

  it('a silent server ends at the deadline, where client-node waits for ever', async () => {
    const server = await serve(() => undefined)
    const error = await failureOf(to({ server: server.url }).send({ ...get, timeoutMs: 50 }))
    expect(told(error)).toMatch(/FW_TIMEOUT\n127.0.0.1:\d+ did not answer within 0.05 s: get \/version/)
  })

  it('a server silent in TLS ends at the deadline', async () => {
    const silent = net.createServer((socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    kept(silent)
    const { port } = silent.address() as net.AddressInfo
    const connection = to({ server: `https://127.0.0.1:${port}` })
    expect((await failureOf(connection.send({ ...get, timeoutMs: 50 }))).code).toBe('FW_TIMEOUT')
    connection.close()
  })

  it.each([
    ['https', {}],
    ['http', {}],
    ['https', { 'proxy-url': 'http://proxy:3128' }],
  ])('a connection that never comes about ends at the deadline, and its socket with it: %s %o', async (scheme, cluster) => {
    const opened: net.Socket[] = []
    const stalls = (): net.Socket => {
      const socket = net.connect({ host: 'never', port: 1, lookup: () => undefined })
      opened.push(socket)
      return socket
    }
    const connection = to({ server: `${scheme}://never:6443`, cluster }, { options: { openSocket: stalls } })
    expect((await failureOf(connection.send({ ...get, timeoutMs: 50 }))).code).toBe('FW_TIMEOUT')
    expect((await failureOf(connection.send({ ...get, timeoutMs: 50, fresh: {} }))).code).toBe('FW_TIMEOUT')
    await expect.poll(() => opened.map(({ destroyed }) => destroyed)).toEqual([true, true])
  })

  it('an answer that stalls half-way ends at the deadline', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{')
    })
    expect((await failureOf(to({ server: server.url }).send({ ...get, timeoutMs: 50 }))).code).toBe('FW_TIMEOUT')
  })

  it('--request-timeout is the deadline of calls that name none', async () => {
    const server = await serve(() => undefined)
    const error = await failureOf(to({ server: server.url }, { flags: { requestTimeout: '40ms' } }).send(get))
    expect(error.message).toContain('within 0.04 s')
  })

  it('the caller can stop a request: FW_INTERRUPTED, or the FwError it stops with', async () => {
    const server = await serve(() => undefined)
    const connection = to({ server: server.url })
    const abort = new AbortController()
    const failed = failureOf(connection.send({ ...get, signal: abort.signal }))
    abort.abort()
    expect((await failed).code).toBe('FW_INTERRUPTED')
    expect((await failureOf(connection.send({ ...get, signal: AbortSignal.abort() }))).code).toBe('FW_INTERRUPTED')
  })

  it('a truncated body is an error, not half an object', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"items": [')
      setImmediate(() => request.socket.destroy())
    })
    expect(told(await failureOf(to({ server: server.url }).send(get)))).toMatch(
      /FW_UNREACHABLE\nthe connection to .* broke in the middle of the answer/,
    )
  })

  it('a body over the cap is refused', async () => {
    const server = await serve((_request, response) => response.end('x'.repeat(5_000)))
    expect(told(await failureOf(to({ server: server.url }, { options: { maxBytes: 4_999 } }).send(get)))).toMatch(
      /FW_API\nthe answer .* is too long.*\n.*4999 bytes/,
    )
  })

  it('something that is no HTTP is FW_API', async () => {
    const chatty = kept(net.createServer((socket) => socket.on('error', () => undefined).end('220 mail ready\r\n')))
    await new Promise<void>((resolve) => chatty.listen(0, '127.0.0.1', resolve))
    const { port } = chatty.address() as net.AddressInfo
    expect(told(await failureOf(to({ server: `http://127.0.0.1:${port}` }).send(get)))).toMatch(/FW_API\n127.0.0.1:\d+ does not answer in HTTP/)
  })
})
