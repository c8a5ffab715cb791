import { connect, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { dial } from '../../src/probe/dialer.ts'
import { acceptingPort, closeListeners, freePort, silentSocket } from './listeners.ts'

afterEach(closeListeners)

const options = { timeoutMs: 2_000, signal: new AbortController().signal }

/** A socket whose connection attempt ends in the given errno. */
const failing = (code: string) => () => {
  const socket = new Socket()
  setImmediate(() => socket.destroy(Object.assign(new Error(code), { code })))
  return socket
}

describe('dial', () => {
  test('a listener answers', async () => {
    expect(await dial(openSocket, '127.0.0.1', await acceptingPort(), options)).toEqual({ outcome: 'ok' })
  })

  test('nobody listening is refused', async () => {
    expect(await dial(openSocket, '127.0.0.1', await freePort(), options)).toEqual({ outcome: 'refused', detail: 'ECONNREFUSED' })
  })

  test('silence lasts the whole timeout and leaves no socket behind', async () => {
    const socket = silentSocket()
    expect(await dial(() => socket, '192.0.2.1', 22, { ...options, timeoutMs: 50 })).toEqual({ outcome: 'timeout', detail: 'no answer in 0.05 s' })
    expect(socket.destroyed).toBe(true)
  })

  test.each([
    ['ETIMEDOUT', 'timeout'],
    ['EHOSTUNREACH', 'failed'],
    ['ENETUNREACH', 'failed'],
    ['EMFILE', 'not-run'],
    ['EPERM', 'not-run'],
    ['EADDRNOTAVAIL', 'not-run'],
  ])('%s is %s', async (code, outcome) => {
    expect((await dial(failing(code), '192.0.2.1', 22, options)).outcome).toBe(outcome)
  })

  test('an abort rejects with its reason and closes the socket', async () => {
    const stop = new AbortController()
    const socket = silentSocket()
    const dialling = dial(() => socket, '192.0.2.1', 22, { ...options, signal: stop.signal })
    stop.abort(new Error('Ctrl-C'))
    await expect(dialling).rejects.toThrow('Ctrl-C')
    expect(socket.destroyed).toBe(true)
    await expect(dial(openSocket, '127.0.0.1', 1, { ...options, signal: stop.signal })).rejects.toThrow('Ctrl-C')
  })

  test('every attempt is a connection of its own', async () => {
    const opened: Socket[] = []
    const counting = (host: string, port: number): Socket => {
      opened.push(connect({ host, port }))
      return opened.at(-1) as Socket
    }
    const port = await acceptingPort()
    await dial(counting, '127.0.0.1', port, options)
    await dial(counting, '127.0.0.1', port, options)
    expect(opened).toHaveLength(2)
    expect(opened.every(({ destroyed }) => destroyed)).toBe(true)
  })
})
