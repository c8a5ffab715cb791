import http from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { exchange } from '../../src/cluster/transport/http-exchange.ts'

/** How one request ends that is answered by these bytes, 300 ms before its deadline and two seconds before somebody gives it up. */
const ending = async (bytes: string, then: 'silence' | 'end' | 'reset'): Promise<string> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(bytes, () => {
        if (then === 'end') socket.end()
        if (then === 'reset') socket.resetAndDestroy()
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`)
  const agent = new http.Agent({ keepAlive: true })
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
  const request = exchange({
    ...{ method: 'GET', url, target: '/x', headers, body: undefined, agent, maxBytes: 1_000 },
    signal: AbortSignal.timeout(300),
  })
  const gaveUp = new Promise<string>((resolve) => setTimeout(() => resolve('hangs'), 2_300))
  const end = await Promise.race([
    request.then(
      ({ status }) => `${status}`,
      (error: Error) => `failed: ${error.message}`,
    ),
    gaveUp,
  ])
  agent.destroy()
  for (const socket of sockets) socket.destroy()
  server.close()
  return end
}

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n'

// Found in review: Node tells neither an answer nor an error of a 101 nobody listens for, so such a call hung past its deadline and held the round up with it.
test.each<[string, string, 'silence' | 'end' | 'reset', RegExp]>([
  ['a 101', switching, 'silence', /^failed: .*switched protocols/],
  ['a 101 with bytes of the other protocol behind it', `${switching}\u0000\u0001`, 'end', /^failed: .*switched protocols/],
  ['a 101 without a word on what to', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'silence', /^101$/],
  ['silence', '', 'silence', /^failed/],
  ['the end of the connection', '', 'end', /^failed/],
  ['a reset', '', 'reset', /^failed/],
  ['half a head', 'HTTP/1.1 200 OK\r\nconte', 'end', /^failed/],
  ['half a body, then silence', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab', 'silence', /^failed/],
  ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab', 'end', /^failed/],
  ['hints before an answer', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', 'silence', /^204$/],
])('%s ends a call by its deadline', async (_, bytes, then, expected) => {
  expect(await ending(bytes, then)).toMatch(expected)
})
