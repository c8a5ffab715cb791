import { afterEach, describe, expect, test } from 'vitest'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { askReady } from '../../src/probe/ready.ts'
import { certificates } from '../../src/simulator/certificates.ts'
import { acceptingPort, closeListeners, freePort, readyServer, silentSocket } from './listeners.ts'

afterEach(closeListeners)

const options = { timeoutMs: 2_000, signal: new AbortController().signal }
const trust = { ca: certificates.ca }

describe('askReady', () => {
  test.each([
    [200, { outcome: 'ok' }],
    [401, { outcome: 'ok' }],
    [403, { outcome: 'ok' }],
    [500, { outcome: 'failed', detail: '/readyz answers 500' }],
    [404, { outcome: 'failed', detail: '/readyz answers 404' }],
  ])('status %i', async (status, expected) => {
    const { port, asked } = await readyServer(() => status)
    expect(await askReady(openSocket, '127.0.0.1', port, trust, options)).toEqual(expected)
    expect(asked).toEqual([{ path: '/readyz', authorization: undefined, upgrade: undefined }])
  })

  test('each time over a new connection', async () => {
    const { port, connections } = await readyServer(() => 200)
    for (let time = 0; time < 3; time++) await askReady(openSocket, '127.0.0.1', port, trust, options)
    expect(connections()).toBe(3)
  })

  test('a certificate of another authority fails, unless the kubeconfig says not to look', async () => {
    const { port } = await readyServer(() => 200)
    const seen = await askReady(openSocket, '127.0.0.1', port, {}, options)
    expect(seen.outcome).toBe('failed')
    expect(seen.detail).toMatch(/CERT|UNABLE/)
    expect(await askReady(openSocket, '127.0.0.1', port, { insecure: true }, options)).toEqual({ outcome: 'ok' })
  })

  test('nobody listening is refused', async () => {
    expect((await askReady(openSocket, '127.0.0.1', await freePort(), trust, options)).outcome).toBe('refused')
  })

  test('a port that accepts and then says nothing is a timeout', async () => {
    expect((await askReady(openSocket, '127.0.0.1', await acceptingPort(), trust, { ...options, timeoutMs: 50 })).outcome).toBe('timeout')
  })

  test('a SYN without answer is a timeout and leaves no socket behind', async () => {
    const socket = silentSocket()
    expect((await askReady(() => socket, '192.0.2.1', 6443, trust, { ...options, timeoutMs: 50 })).outcome).toBe('timeout')
    expect(socket.destroyed).toBe(true)
  })

  test('an abort rejects with its reason', async () => {
    const stop = new AbortController()
    const asking = askReady(silentSocket, '192.0.2.1', 6443, trust, { ...options, signal: stop.signal })
    stop.abort(new Error('Ctrl-C'))
    await expect(asking).rejects.toThrow('Ctrl-C')
  })
})
