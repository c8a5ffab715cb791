import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createApi } from '../../src/cluster/create-api.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { connect } from '../../src/cluster/transport/connect.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import { openEverything } from '../../src/rollout/perform/open.ts'
import { realClock, until } from '../fixtures/real-time.ts'
import { failureOf } from './test-connection.ts'
import { kubeconfigFor, machineWith } from './test-machine.ts'
import { get, kept, ok, serve, to } from './test-scope.ts'
import { answer } from './test-server.ts'

const apiVersion = 'client.authentication.k8s.io/v1'

/** A credential plugin that has begun when it says so, and answers when it is told to. */
const plugin = () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-fw-test-'))
  kept({ close: () => rmSync(folder, { recursive: true, force: true }) })
  const [begun, go] = [join(folder, 'begun'), join(folder, 'go')]
  const credential = JSON.stringify({ kind: 'ExecCredential', apiVersion, status: { token: 't' } })
  const script = `
    const { existsSync, writeFileSync } = require('fs')
    setTimeout(() => process.exit(1), 15_000)
    writeFileSync(${JSON.stringify(begun)}, '')
    const look = () => existsSync(${JSON.stringify(go)}) ? (console.log(${JSON.stringify(credential)}), process.exit()) : setTimeout(look, 5)
    look()`
  return {
    user: { exec: { apiVersion, interactiveMode: 'Never', command: process.execPath, args: ['-e', script] } },
    hasBegun: () => until('the plugin has begun', () => existsSync(begun)),
    answers: () => writeFileSync(go, ''),
  }
}

// Found in review: all of these were ended, or held up, by what happened to somebody else's request.
describe('what requests share', () => {
  it.each(['before', 'after'])('a request that began %s the one who began the run of the credential plugin gave up has its answer', async (when) => {
    const server = await serve(ok)
    const { user, hasBegun, answers } = plugin()
    const connection = to({ server: server.url, user })
    const stop = new AbortController()
    const first = failureOf(connection.send({ ...get, signal: stop.signal }))
    await hasBegun()
    const early = when === 'before' ? connection.send(get) : undefined
    stop.abort()
    const other = early ?? connection.send(get)
    answers()
    expect((await first).code).toBe('FW_INTERRUPTED')
    expect((await other).status).toBe(200)
  })

  it('the plugin is stopped when all who wait for it give up at once', async () => {
    const server = await serve(ok)
    const { user, hasBegun } = plugin()
    const connection = to({ server: server.url, user })
    const stop = new AbortController()
    const all = [1, 2, 3].map(() => failureOf(connection.send({ ...get, signal: stop.signal })))
    await hasBegun()
    stop.abort()
    const failures = await Promise.all(all)
    expect(failures.map(({ code }) => code)).toEqual(Array(3).fill('FW_INTERRUPTED'))
    // The last one hears it from the plugin itself.
    expect(failures.some(({ message }) => message.includes('plugin') && message.includes('stopped'))).toBe(true)
  })

  it('a token file that was rotated serves every request that was refused with the old one', async () => {
    const waiting: (() => void)[] = []
    const server = await serve((request, response) => {
      if (request.headers.authorization === 'Bearer two') return answer(response, 200, { ok: true })
      waiting.push(() => answer(response, 401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Unauthorized', code: 401 }))
    })
    let token = 'one'
    const config = kubeconfigFor({ server: server.url, user: { tokenFile: '/t' } })
    const machine = machineWith({}, { readFile: (path: string) => Buffer.from(path === '/t' ? token : config) })
    const connection = kept(connect(resolveKubeconfig({}, machine), machine))
    const both = [connection.send(get), connection.send({ ...get, path: '/readyz' })]
    await expect.poll(() => waiting.length).toBe(2)
    token = 'two'
    for (const refuse of waiting) refuse()
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('connections that died unnoticed cost the opening of a cluster one try, and not its gentlest way', async () => {
    const server = await serve((request, response) => {
      if (request.path.startsWith('/slow')) return void setTimeout(() => answer(response, 200, { ok: 1 }), 100)
      answer(response, 200, request.body === '' ? { kind: 'X', apiVersion: 'v1', metadata: { name: 'x' } } : JSON.parse(request.body))
    })
    // As a VPN or balancer that forgets: connections from before are silent, new ones work.
    let generation = 0
    const sockets: net.Socket[] = []
    const middle = net.createServer((from) => {
      const born = generation
      const on = net.connect({ host: '127.0.0.1', port: server.port })
      sockets.push(from, on)
      from.on('data', (data) => born === generation && on.write(data)).on('error', () => undefined)
      on.on('data', (data) => born === generation && from.write(data)).on('error', () => undefined)
    })
    await new Promise<void>((resolve) => middle.listen(0, '127.0.0.1', resolve))
    kept({
      close: () => {
        for (const socket of sockets) socket.destroy()
        middle.close()
      },
    })
    const connection = to({ server: `https://127.0.0.1:${(middle.address() as net.AddressInfo).port}` })
    await Promise.all(Array.from({ length: 16 }, (_, at) => connection.send({ ...get, path: `/slow${at}` })))
    generation++
    const options = { openSet: openSet('native'), gate: undefined, untilMs: realClock.now() + 60_000, note: () => undefined }
    expect(await openEverything(createApi(connection), realClock, options)).toBe('created GlobalNetworkSet calico-fw-open')
    expect(server.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})
