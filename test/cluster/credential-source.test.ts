import { describe, expect, it } from 'vitest'
import { failureOf, told } from './test-connection.ts'
import { get, ok, serve, to } from './test-scope.ts'
import { fixture } from './test-server.ts'

const clientUser = {
  'client-certificate-data': fixture('client.pem').toString('base64'),
  'client-key-data': fixture('client.key').toString('base64'),
}

describe('who we are', () => {
  it('sends several Impersonate-Group headers as several lines, where client-node joins them into one', async () => {
    const server = await serve(ok)
    const connection = to(
      { server: server.url },
      { flags: { as: 'jané', asGroup: ['system:masters', 'dev, ops'], asUid: '7', asUserExtra: ['example.org/scope=a', 'example.org/scope=b'] } },
    )
    await connection.send(get)
    const raw = server.requests[0]?.rawHeaders ?? []
    const lines = raw.flatMap((name, index) =>
      index % 2 === 0 && name.startsWith('Impersonate') ? [`${name}: ${Buffer.from(raw[index + 1] ?? '', 'latin1')}`] : [],
    )
    expect(lines).toEqual([
      'Impersonate-User: jané',
      'Impersonate-Uid: 7',
      'Impersonate-Group: system:masters',
      'Impersonate-Group: dev, ops',
      'Impersonate-Extra-example.org%2Fscope: a',
      'Impersonate-Extra-example.org%2Fscope: b',
    ])
  })

  it.each<[string, object, Record<string, string>, string | undefined, string | undefined]>([
    ['a token', { token: 't' }, {}, 'Bearer t', undefined],
    ['tokenFile, which client-node ignores', { tokenFile: '/t' }, { '/t': 'from-file\n' }, 'Bearer from-file', undefined],
    ['tokenFile before token', { tokenFile: '/t', token: 'stale' }, { '/t': 'from-file' }, 'Bearer from-file', undefined],
    ['token where the tokenFile is gone', { tokenFile: '/gone', token: 'spare' }, {}, 'Bearer spare', undefined],
    ['name and password', { username: 'u', password: 'p' }, {}, `Basic ${Buffer.from('u:p').toString('base64')}`, undefined],
    ['a client certificate', clientUser, {}, undefined, 'operator'],
    ['a client certificate and a token', { ...clientUser, token: 't' }, {}, 'Bearer t', 'operator'],
    [
      'an OpenID token that is still good',
      { 'auth-provider': { name: 'oidc', config: { 'id-token': jwt(Date.now() + 60_000) } } },
      {},
      expect.stringMatching(/^Bearer e/),
      undefined,
    ],
  ])('identifies by %s', async (_title, user, files, authorization, clientName) => {
    const server = await serve(ok)
    await to({ server: server.url, user }, { files }).send(get)
    expect([server.requests[0]?.headers.authorization, server.requests[0]?.clientName]).toEqual([authorization, clientName])
  })

  it('reads a tokenFile again once a minute, and keeps the last token while the file is away', async () => {
    const server = await serve(ok)
    const files: Record<string, string> = { '/t': 'one' }
    let now = 0
    const connection = to({ server: server.url, user: { tokenFile: '/t' } }, { machine: { now: () => now, readFile: readerOf(files, server.url) } })
    const seen = async (at: number): Promise<string | undefined> => {
      now = at
      await connection.send(get)
      return server.requests.at(-1)?.headers.authorization
    }
    expect(await seen(0)).toBe('Bearer one')
    files['/t'] = 'two'
    expect(await seen(40_000)).toBe('Bearer one')
    expect(await seen(60_000)).toBe('Bearer two')
    delete files['/t']
    expect(await seen(180_000)).toBe('Bearer two')
  })

  it.each<[string, object, RegExp]>([
    [
      'an expired OpenID token',
      { 'auth-provider': { name: 'oidc', config: { 'id-token': jwt(Date.now() - 1) } } },
      /FW_CREDENTIALS\nthe OpenID token of user "operator" has expired\n.*\n.*kubectl --context home get --raw/,
    ],
    ['a token with a line break inside', { token: 'a\nb' }, /FW_CREDENTIALS\nthe token holds spaces/],
    ['a tokenFile that is not there', { tokenFile: '/gone' }, /FW_CREDENTIALS\nthe token file \/gone cannot be read\nENOENT/],
    ['an auth-provider kubectl dropped', { 'auth-provider': { name: 'gcp' } }, /FW_KUBECONFIG\n.*"gcp", which kubectl has dropped/],
    [
      'a certificate that is none',
      { 'client-certificate-data': 'Q0E=', 'client-key-data': 'Q0E=' },
      /FW_KUBECONFIG\nthe client certificate and key of user "operator" cannot be used/,
    ],
    [
      'a certificate with another key',
      { ...clientUser, 'client-key-data': fixture('server.key').toString('base64') },
      /FW_KUBECONFIG\nthe client certificate and key of user "operator" cannot be used/,
    ],
    [
      'a certificate file that is not there',
      { 'client-certificate': '/gone.crt', 'client-key': '/gone.key' },
      /FW_KUBECONFIG\nthe client certificate of user "operator" cannot be read\nENOENT/,
    ],
  ])('refuses %s', async (_title, user, expected) => {
    const error = await failureOf((async () => to({ server: 'https://127.0.0.1:1', user }).send(get))())
    expect(told(error)).toMatch(expected)
  })
})

/** An unsigned token that ends at the given time, in milliseconds since 1970. */
function jwt(end: number): string {
  return `e30.${Buffer.from(JSON.stringify({ exp: end / 1_000 })).toString('base64url')}.x`
}

/** Reads the given files, and a kubeconfig for the server whose user has the token file `/t`. */
function readerOf(files: Record<string, string>, server: string): (path: string) => Buffer {
  return (path) => {
    if (path === '/home/op/.kube/config')
      return Buffer.from(
        JSON.stringify({
          'current-context': 'h',
          clusters: [{ name: 'h', cluster: { server, 'certificate-authority-data': fixture('ca.pem').toString('base64') } }],
          contexts: [{ name: 'h', context: { cluster: 'h', user: 'h' } }],
          users: [{ name: 'h', user: { tokenFile: '/t' } }],
        }),
      )
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return Buffer.from(content)
  }
}
