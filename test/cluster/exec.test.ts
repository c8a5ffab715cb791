import { describe, expect, it } from 'vitest'
import { execInPod } from '../../src/cluster/pods/exec.ts'
import { failureOf, told } from './test-connection.ts'
import { type Frame, playExec } from './test-exec-server.ts'
import { startHttpProxy } from './test-proxy.ts'
import { kept, ok, serve, to } from './test-scope.ts'
import { fixture } from './test-server.ts'

const success = JSON.stringify({ kind: 'Status', status: 'Success' })
const exited = (code: number): string =>
  JSON.stringify({
    kind: 'Status',
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  })
const run = { namespace: 'calico-system', pod: 'calico-node-x', container: 'calico-node', command: ['ip', '-j', 'addr'], timeoutMs: 5_000 }

const execServer = async (frames: readonly Frame[] | number) => {
  const asked: { url: string; headers: Record<string, unknown>; raw: string[] }[] = []
  const server = await serve(ok)
  server.onUpgrade((request, socket) => {
    asked.push({ url: request.url ?? '', headers: request.headers, raw: request.rawHeaders })
    if (typeof frames === 'number') socket.end(`HTTP/1.1 ${frames} No\r\nContent-Length: 0\r\n\r\n`)
    else playExec(request, socket, frames)
  })
  return { server, asked }
}

describe('execInPod', () => {
  it('returns what the command printed and how it ended', async () => {
    const { server, asked } = await execServer([
      [1, 'out '],
      [2, 'err'],
      [1, 'put\n'],
      [1, 'x'.repeat(300)],
      [3, exited(3)],
    ])
    const result = await execInPod(to({ server: server.url, user: { token: 't' } }, { flags: { as: 'jane', asGroup: ['a', 'b'] } }), run)
    expect(result).toEqual({ stdout: `out put\n${'x'.repeat(300)}`, stderr: 'err', exitCode: 3 })
    expect(asked[0]?.url).toBe(
      '/api/v1/namespaces/calico-system/pods/calico-node-x/exec?stdout=true&stderr=true&stdin=false&tty=false&command=ip&command=-j&command=addr&container=calico-node',
    )
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer t', 'impersonate-user': 'jane' })
    expect(asked[0]?.raw.filter((_value, index, all) => all[index - 1] === 'Impersonate-Group')).toEqual(['a', 'b'])
  })

  it('0 for success', async () => {
    const { server } = await execServer([[3, success]])
    expect(await execInPod(to({ server: server.url }), run)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
  })

  it('dials as every other call does: proxy, name on the certificate', async () => {
    const { server } = await execServer([[3, success]])
    const proxy = kept(await startHttpProxy(server.port))
    const connection = to({ server: 'https://kubernetes:6443', cluster: { 'proxy-url': `http://127.0.0.1:${proxy.port}` } })
    expect((await execInPod(connection, run)).exitCode).toBe(0)
    expect(proxy.asked).toEqual(['CONNECT kubernetes:6443'])
  })

  it.each<[string, readonly Frame[] | number, number, RegExp]>([
    [
      'a command that hangs',
      [[1, 'begun'], 'hang'],
      100,
      /FW_TIMEOUT\n.*did not answer within 0.1 s: create pods\/exec calico-system\/calico-node-x/,
    ],
    [
      'a connection that drops, where client-node waits for ever',
      [[1, 'begun'], 'drop'],
      5_000,
      /FW_UNREACHABLE\n.*\nthe connection closed before the command had ended/,
    ],
    [
      'a right we lack',
      403,
      5_000,
      /FW_FORBIDDEN\nuser "operator" may not create pods\/exec.*\n.*\n.*can-i create pods --subresource=exec --namespace=calico-system/,
    ],
    ['a pod that is gone', 404, 5_000, /FW_NOT_FOUND/],
    ['credentials nobody accepts', 401, 5_000, /FW_UNAUTHORIZED/],
    ['a kubelet out of reach', 500, 5_000, /FW_API\nthe server refuses to open a websocket/],
    [
      'a command that cannot start',
      [[3, JSON.stringify({ status: 'Failure', message: 'exec: "ip": not found' })]],
      5_000,
      /FW_API\nthe command could not be run.*\nexec: "ip": not found/,
    ],
  ])('%s', async (_title, frames, timeoutMs, expected) => {
    const { server } = await execServer(frames)
    expect(told(await failureOf(execInPod(to({ server: server.url }), { ...run, timeoutMs })))).toMatch(expected)
  })

  it('a wrong CA is FW_TLS here too', async () => {
    const { server } = await execServer([[3, success]])
    const cluster = { 'certificate-authority-data': fixture('other-ca.pem').toString('base64') }
    expect((await failureOf(execInPod(to({ server: server.url, cluster }), run))).code).toBe('FW_TLS')
  })

  it('the caller can stop it', async () => {
    const { server } = await execServer(['hang'])
    const abort = new AbortController()
    const failed = failureOf(execInPod(to({ server: server.url }), { ...run, signal: abort.signal }))
    await expect.poll(() => server.connections()).toBe(1)
    abort.abort()
    expect((await failed).code).toBe('FW_INTERRUPTED')
  })
})
