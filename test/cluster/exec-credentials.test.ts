import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Workstation } from '../../src/cluster/workstation.ts'
import { failureOf, told } from './test-connection.ts'
import { get, ok, serve, to } from './test-scope.ts'
import { answer, fixture, statusBody } from './test-server.ts'

const version = 'client.authentication.k8s.io/v1'
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'plugin-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A plugin that runs the given JavaScript. */
const plugin = (script: string, more: object = {}): object => ({
  exec: { apiVersion: version, interactiveMode: 'Never', command: process.execPath, args: ['-e', script], ...more },
})
const printing = (status: object, apiVersion = version): string =>
  `console.log(${JSON.stringify(JSON.stringify({ kind: 'ExecCredential', apiVersion, status }))})`
/** Prints a token that says what the plugin was told: `token` is a JavaScript expression. */
const tokenOf = (token: string, more = ''): string =>
  `console.log(JSON.stringify({ kind: 'ExecCredential', apiVersion: '${version}', status: { token: ${token}${more} } }))`
const counting = (more = ''): string =>
  `require('fs').appendFileSync(process.env.COUNT, 'x'); ${tokenOf(`'t' + require('fs').readFileSync(process.env.COUNT, 'utf8').length`, more)}`
const counter = (name: string): { env: { name: string; value: string }[]; runs: () => number } => {
  const file = path.join(folder, name)
  writeFileSync(file, '')
  return { env: [{ name: 'COUNT', value: file }], runs: () => readFileSync(file, 'utf8').length }
}

describe('credentials by a plugin', () => {
  it('tells it KUBERNETES_EXEC_INFO with the cluster, its env over ours, and its arguments', async () => {
    const server = await serve(ok)
    const script = tokenOf(
      `Buffer.from(JSON.stringify([process.env.KUBERNETES_EXEC_INFO, process.env.A, process.env.B, process.argv.slice(1)])).toString('hex')`,
    )
    const user = plugin(script, { provideClusterInfo: true, env: [{ name: 'B', value: 'plugin' }], args: ['-e', script, 'one', 'two'] })
    const cluster = { 'tls-server-name': 'kubernetes', extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } }] }
    await to({ server: server.url, user, cluster }, { machine: { env: { A: 'ours', B: 'ours' } } }).send(get)
    const token = server.requests[0]?.headers.authorization?.replace('Bearer ', '') ?? ''
    const [info, a, b, argv] = JSON.parse(Buffer.from(token, 'hex').toString())
    expect([a, b, argv]).toEqual(['ours', 'plugin', ['one', 'two']])
    expect(JSON.parse(info)).toEqual({
      kind: 'ExecCredential',
      apiVersion: version,
      spec: {
        interactive: false,
        cluster: {
          server: server.url,
          'tls-server-name': 'kubernetes',
          'certificate-authority-data': fixture('ca.pem').toString('base64'),
          config: { audience: 'x' },
        },
      },
    })
  })

  it('tells it nothing of the cluster unless asked to', async () => {
    const server = await serve(ok)
    await to({ server: server.url, user: plugin(tokenOf('String(JSON.parse(process.env.KUBERNETES_EXEC_INFO).spec.cluster)')) }).send(get)
    expect(server.requests[0]?.headers.authorization).toBe('Bearer undefined')
  })

  it.each<[string, boolean, boolean]>([
    ['Never', true, false],
    ['IfAvailable', true, true],
    ['IfAvailable', false, false],
    ['Always', true, true],
  ])('with interactiveMode %s and a terminal %s it may ask: %s', async (interactiveMode, isTerminal, asks) => {
    const server = await serve(ok)
    const typed = path.join(folder, 'typed')
    writeFileSync(typed, 'typed-by-the-operator')
    const stdin = openSync(typed, 'r')
    const stderr = openSync(path.join(folder, 'stderr'), 'w+')
    const script = `process.stderr.write('enter code ABCD'); const typed = require('fs').readFileSync(0, 'utf8'); const { interactive } = JSON.parse(process.env.KUBERNETES_EXEC_INFO).spec; ${tokenOf("interactive + '.' + typed")}`
    const machine: Partial<Workstation> = { terminal: { stdin, stderr, isTerminal } }
    await to({ server: server.url, user: plugin(script, { interactiveMode }) }, { machine }).send(get)
    closeSync(stdin)
    closeSync(stderr)
    expect(server.requests[0]?.headers.authorization).toBe(asks ? 'Bearer true.typed-by-the-operator' : 'Bearer false.')
    expect(readFileSync(path.join(folder, 'stderr'), 'utf8')).toBe('enter code ABCD')
  })

  it('runs it once for many requests at once, and again only when the credential nears its end', async () => {
    const server = await serve(ok)
    const { env, runs } = counter('expiry')
    let now = Date.parse('2030-01-01T00:00:00Z')
    const user = plugin(counting(", expirationTimestamp: '2030-01-01T00:10:00Z'"), { env })
    const connection = to({ server: server.url, user }, { machine: { now: () => now } })
    await Promise.all([connection.send(get), connection.send(get), connection.send(get)])
    now += 8 * 60_000
    await connection.send(get)
    expect(runs()).toBe(1)
    now += 90_000
    await connection.send(get)
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer t1')
    await vi.waitFor(async () => {
      await connection.send(get)
      expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer t2')
    }, 10_000)
    expect(runs()).toBe(2)
  })

  // Found in review: an opening write waited a minute for a plugin while the token it had was good.
  it('uses what is good while a plugin that hangs or fails is to renew it, and asks that one every ten seconds', async () => {
    const server = await serve(ok)
    const { env, runs } = counter('failing')
    let now = Date.parse('2030-01-01T00:00:00Z')
    const first = counting(", expirationTimestamp: '2030-01-01T00:10:00Z'")
    const script = `${first}; if (require('fs').readFileSync(process.env.COUNT, 'utf8').length > 1) process.exit(1)`
    const connection = to({ server: server.url, user: plugin(script, { env }) }, { machine: { now: () => now } })
    await connection.send(get)
    now += 570_000
    await connection.send(get)
    await vi.waitFor(() => expect(runs()).toBe(2), 10_000)
    const began = now
    // The ten seconds run from the plugin's end, which nobody sees: time goes on in small steps until it is asked again.
    const again = async () => {
      now += 200
      await connection.send(get)
      expect(runs()).toBe(3)
    }
    await vi.waitFor(again, { timeout: 10_000, interval: 20 })
    expect(now - began).toBeGreaterThanOrEqual(10_000)
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer t1']))
  })

  it('holds up a call no longer than that may take, and goes on for the next', async () => {
    const server = await serve(ok)
    const { env, runs } = counter('slow')
    const gate = path.join(folder, 'open')
    let now = Date.parse('2030-01-01T00:00:00Z')
    const script = `const end = () => { ${counting(", expirationTimestamp: '2030-01-01T01:00:00Z'")} }
      if (!require('fs').existsSync(process.env.COUNT + '.asked')) { require('fs').writeFileSync(process.env.COUNT + '.asked', ''); end() }
      else { const timer = setInterval(() => { if (require('fs').existsSync(${JSON.stringify(gate)})) { clearInterval(timer); end() } }, 20) }`
    const connection = to({ server: server.url, user: plugin(script, { env }) }, { machine: { now: () => now } })
    await connection.send(get)
    now += 3_600_000
    const error = await failureOf(connection.send({ ...get, timeoutMs: 300 }))
    expect([error.code, told(error)]).toEqual(['FW_CREDENTIALS', expect.stringContaining('has not answered within 0.3 s')])
    now -= 1_800_000
    writeFileSync(gate, '')
    await vi.waitFor(async () => {
      await connection.send(get)
      expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer t2')
    }, 10_000)
    expect(runs()).toBe(2)
  })

  it('asks it once more after a 401, for a write too: a refused request has done nothing', async () => {
    const server = await serve((request, response) =>
      request.headers.authorization === 'Bearer t2'
        ? answer(response, 200, {})
        : answer(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized')),
    )
    const { env, runs } = counter('refused')
    const connection = to({ server: server.url, user: plugin(counting(), { env }) })
    expect((await connection.send({ method: 'POST', path: '/api/v1/namespaces', body: '{}' })).status).toBe(200)
    expect([runs(), server.requests.length]).toEqual([2, 2])
  })

  it('gives up after the second 401', async () => {
    const server = await serve((_request, response) => answer(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized')))
    const { env, runs } = counter('hopeless')
    const error = await failureOf(to({ server: server.url, user: plugin(counting(), { env }) }).send(get))
    expect([error.code, runs()]).toEqual(['FW_UNAUTHORIZED', 2])
  })

  it('takes a client certificate from it, and a new connection for a new certificate', async () => {
    const server = await serve(ok)
    const script = printing({
      clientCertificateData: fixture('client.pem').toString(),
      clientKeyData: fixture('client.key').toString(),
      expirationTimestamp: '2030-01-01T00:10:00Z',
    })
    let now = Date.parse('2030-01-01T00:00:00Z')
    const connection = to({ server: server.url, user: plugin(script) }, { machine: { now: () => now } })
    await connection.send(get)
    await connection.send(get)
    expect([server.requests[0]?.clientName, server.connections()]).toEqual(['operator', 1])
    now += 20 * 60_000
    await connection.send(get)
    expect(server.connections()).toBe(2)
  })

  it('is not asked where a token or certificate identifies the user already', async () => {
    const server = await serve(ok)
    await to({ server: server.url, user: plugin('process.exit(1)') }, { flags: { token: 'typed' } }).send(get)
    expect(server.requests[0]?.headers.authorization).toBe('Bearer typed')
  })

  it('runs a command with a slash from the folder of its kubeconfig', async () => {
    const server = await serve(ok)
    const script = path.join(folder, 'login')
    writeFileSync(script, `#!${process.execPath}\n${tokenOf("'relative'")}`, { mode: 0o755 })
    const kubeconfig = {
      'current-context': 'h',
      clusters: [{ name: 'h', cluster: { server: server.url, 'certificate-authority-data': fixture('ca.pem').toString('base64') } }],
      contexts: [{ name: 'h', context: { cluster: 'h', user: 'h' } }],
      users: [{ name: 'h', user: { exec: { apiVersion: version, interactiveMode: 'Never', command: './login' } } }],
    }
    const file = path.join(folder, 'config')
    await to({ server: server.url }, { flags: { kubeconfig: file }, files: { [file]: JSON.stringify(kubeconfig) }, machine: { cwd: '/' } }).send(get)
    expect(server.requests[0]?.headers.authorization).toBe('Bearer relative')
  })
})

describe('a plugin that fails', () => {
  it.each<[string, object, RegExp]>([
    [
      'is not installed',
      plugin('', { command: 'no-such-plugin', installHint: 'brew install \u001b[1mno-such-plugin' }),
      /no-such-plugin of user "operator" is not installed\n.*not in PATH\nbrew install no-such-plugin/,
    ],
    ['ends with an error', plugin('process.exit(7)'), /failed\nit ended with exit code 7\n/],
    ['prints no JSON', plugin("console.log('secret')"), /gave no usable credential\nits output is no ExecCredential/],
    [
      'prints another version',
      plugin(printing({ token: 'secret' }, 'client.authentication.k8s.io/v1beta1')),
      /the plugin answers in client.authentication.k8s.io\/v1beta1/,
    ],
    ['prints no credential', plugin(printing({})), /neither a token nor a certificate/],
    ['prints half a certificate', plugin(printing({ clientCertificateData: 'secret' })), /a certificate or a key, not both/],
    ['prints without end', plugin("for (;;) require('fs').writeSync(1, 'secret'.repeat(100000))"), /it was ended by SIGKILL/],
    ['must ask and cannot', plugin('', { interactiveMode: 'Always' }), /must ask at a terminal, and there is none/],
  ])('%s: FW_CREDENTIALS, and its output is not shown', async (_title, user, expected) => {
    const error = await failureOf(to({ server: 'https://127.0.0.1:1', user }).send(get))
    expect(told(error)).toMatch(expected)
    expect([error.code, told(error).includes('secret')]).toEqual(['FW_CREDENTIALS', false])
  })

  it('is stopped when the caller stops', async () => {
    const abort = new AbortController()
    const failed = failureOf(
      to({ server: 'https://127.0.0.1:1', user: plugin('setInterval(() => {}, 1000)') }).send({ ...get, signal: abort.signal }),
    )
    abort.abort()
    expect((await failed).code).toBe('FW_INTERRUPTED')
  })
})
