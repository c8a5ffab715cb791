import { describe, expect, it } from 'vitest'
import type { ConnectionFlags } from '../../src/cluster/kubeconfig/connection-flags.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../../src/cluster/workstation.ts'
import { machineWith, namedConfig } from './test-machine.ts'

const resolve = (flags: ConnectionFlags, files: Record<string, string>, machine: Partial<Workstation> = {}) =>
  resolveKubeconfig(flags, machineWith(files, machine))
const [a, c] = [namedConfig('a'), namedConfig('c')]

describe('which kubeconfig', () => {
  const files = { '/home/op/.kube/config': namedConfig('home'), '/a': a, '/c': c }

  it.each<[string, ConnectionFlags, Record<string, string>, string]>([
    ['--kubeconfig alone, whatever KUBECONFIG says', { kubeconfig: '/c' }, { KUBECONFIG: '/a' }, 'c'],
    ['KUBECONFIG before ~/.kube/config', {}, { KUBECONFIG: '/a' }, 'a'],
    ['~/.kube/config last', {}, {}, 'home'],
    ['an empty KUBECONFIG is none', {}, { KUBECONFIG: '' }, 'home'],
    ['an empty --kubeconfig is none', { kubeconfig: '' }, { KUBECONFIG: '/a' }, 'a'],
    ['KUBECONFIG a:c takes the current context of a, where client-node takes that of c', {}, { KUBECONFIG: '/a:/c' }, 'a'],
    ['a missing file in the list is ignored, where client-node fails', {}, { KUBECONFIG: '/gone:/c' }, 'c'],
    ['empty entries in the list are skipped', {}, { KUBECONFIG: ':/c:' }, 'c'],
    ['--context chooses out of any file', { context: 'c' }, { KUBECONFIG: '/a:/c' }, 'c'],
  ])('%s', (_title, flags, env, context) => {
    const found = resolve(flags, files, { env })
    expect([found.context, found.server.hostname, found.user.token, found.namespace]).toEqual([
      context,
      `${context}.example`,
      `${context}-token`,
      `${context}-ns`,
    ])
  })

  it('separates the list with ; on Windows, where a path holds a colon', () => {
    const found = resolve(
      {},
      { 'C:\\a': a, 'C:\\kube\\c': c },
      { env: { KUBECONFIG: 'C:\\gone;"C:\\kube\\c"' }, platform: 'win32', cwd: 'C:\\', home: 'C:\\Users\\op' },
    )
    expect([found.context, found.cluster['certificate-authority']]).toEqual(['c', 'C:\\kube\\pki\\ca.crt'])
  })

  it('lets the first definition of a name win whole, field for field, where client-node throws "Duplicate cluster"', () => {
    const second = `
clusters: [{name: a, cluster: {server: "https://other:1", tls-server-name: other}}]
users: [{name: a, user: {token: other, username: other}}]
contexts: [{name: a, context: {cluster: a, user: nobody, namespace: other}}]`
    const found = resolve({}, { '/a': a, '/b': second }, { env: { KUBECONFIG: '/a:/b' } })
    expect([found.server.host, found.cluster['tls-server-name'], found.user.token, found.user.username, found.namespace]).toEqual([
      'a.example:6443',
      '',
      'a-token',
      '',
      'a-ns',
    ])
  })

  it('joins a context of one file with the cluster and user of others', () => {
    const found = resolve(
      {},
      {
        '/ctx': 'current-context: x\ncontexts: [{name: x, context: {cluster: k, user: u}}]',
        '/k/cluster': 'clusters: [{name: k, cluster: {server: "https://k:6443", certificate-authority: ca.crt}}]',
        '/u/user': 'users: [{name: u, user: {client-certificate: ../me.crt, client-key: /abs/me.key, tokenFile: token}}]',
      },
      { env: { KUBECONFIG: '/ctx:/k/cluster:/u/user' } },
    )
    expect(found.server.href).toBe('https://k:6443/')
    expect([found.cluster['certificate-authority'], found.user['client-certificate'], found.user['client-key'], found.user.tokenFile]).toEqual([
      '/k/ca.crt',
      '/me.crt',
      '/abs/me.key',
      '/u/token',
    ])
  })

  it('resolves paths against the file that holds them, and --certificate-authority against the working directory', () => {
    const files = { '/etc/kube/c': c }
    expect(resolve({ kubeconfig: '../../etc/kube/c' }, files).cluster['certificate-authority']).toBe('/etc/kube/pki/ca.crt')
    expect(resolve({ kubeconfig: '/etc/kube/c', certificateAuthority: 'mine.crt' }, files).cluster['certificate-authority']).toBe('/home/op/mine.crt')
  })

  it('resolves a plugin command with a slash, and leaves a bare one to PATH', () => {
    const withPlugin = (command: string): string =>
      namedConfig('a').replace('token: a-token', `exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ${command}}`)
    expect(resolve({ kubeconfig: '/k/a' }, { '/k/a': withPlugin('bin/login') }).user.exec?.command).toBe('/k/bin/login')
    expect(resolve({ kubeconfig: '/k/a' }, { '/k/a': withPlugin('login') }).user.exec?.command).toBe('login')
  })
})

describe('flags over files', () => {
  const files = {
    '/home/op/.kube/config': namedConfig('a', '').replace(
      'certificate-authority: pki/ca.crt',
      'certificate-authority-data: Q0E=, tls-server-name: inside',
    ),
  }

  it.each<[string, ConnectionFlags, (found: ReturnType<typeof resolve>) => unknown, unknown]>([
    [
      '--server drops the tls-server-name of the file',
      { server: 'https://other:1' },
      (f) => [f.server.host, f.cluster['tls-server-name']],
      ['other:1', ''],
    ],
    ['--server with --tls-server-name', { server: 'https://other:1', tlsServerName: 'n' }, (f) => f.cluster['tls-server-name'], 'n'],
    [
      '--insecure-skip-tls-verify drops the authority of the file',
      { insecureSkipTlsVerify: true },
      (f) => [f.cluster['insecure-skip-tls-verify'], f.cluster['certificate-authority-data']],
      [true, undefined],
    ],
    [
      '--certificate-authority drops its data',
      { certificateAuthority: '/x' },
      (f) => [f.cluster['certificate-authority'], f.cluster['certificate-authority-data']],
      ['/x', undefined],
    ],
    ['--token beats the token', { token: 'typed' }, (f) => f.user.token, 'typed'],
    ['--namespace beats the context', { namespace: 'n' }, (f) => f.namespace, 'n'],
    ['--request-timeout in seconds', { requestTimeout: '7' }, (f) => f.requestTimeoutMs, 7_000],
    ['--request-timeout as a duration', { requestTimeout: '1m30s' }, (f) => f.requestTimeoutMs, 90_000],
    ['--request-timeout 0 leaves our deadline', { requestTimeout: '0' }, (f) => f.requestTimeoutMs, undefined],
    [
      'impersonation',
      { as: 'jane', asGroup: ['x', 'y'], asUid: '7', asUserExtra: ['scope=a', 'scope=b', 'no-value'] },
      (f) => [f.user.as, f.user['as-groups'], f.user['as-uid'], f.user['as-user-extra']],
      ['jane', ['x', 'y'], '7', { scope: ['a', 'b'] }],
    ],
    [
      'the same cluster and user for kubectl, without the token',
      { as: "o'hara", token: 'secret', kubeconfig: '' },
      (f) => f.kubectlFlags,
      `--context a --as 'o'\\''hara'`,
    ],
  ])('%s', (_title, flags, pick, expected) => {
    expect(pick(resolve(flags, files))).toEqual(expected)
  })

  it('needs no kubeconfig when --server says everything, and then sends no credentials', () => {
    const found = resolve({ server: 'https://lone:6443/' }, {})
    expect([found.context, found.server.host, found.namespace, found.user.token]).toEqual(['', 'lone:6443', 'default', ''])
  })

  it('--token beats a tokenFile, which kubectl gets wrong', () => {
    const withFile = { '/home/op/.kube/config': namedConfig('a').replace('token: a-token', 'tokenFile: /t') }
    expect(resolve({ token: 'typed' }, withFile).user.tokenFile).toBe('')
  })

  it('--cluster and --user replace what the context names', () => {
    const found = resolve({ cluster: 'c', user: 'c' }, { '/a': a, '/c': c }, { env: { KUBECONFIG: '/a:/c' } })
    expect([found.context, found.server.hostname, found.user.token]).toEqual(['a', 'c.example', 'c-token'])
  })
})

describe('reading as kubectl reads', () => {
  const cluster = (fields: string): Record<string, string> => ({
    '/home/op/.kube/config': `current-context: x\nclusters: [{name: x, cluster: {${fields}}}]\ncontexts: [{name: x, context: {cluster: x, user: ""}}]\nusers:`,
  })

  it('takes a server without scheme for plain http, keeps a path, drops a query', () => {
    expect(resolve({}, cluster('server: "k:8080"')).server.href).toBe('http://k:8080/')
    expect(resolve({}, cluster('server: "https://rancher/k8s/clusters/c-1?x=1#y"')).server.href).toBe('https://rancher/k8s/clusters/c-1')
  })

  it('knows YAML 1.1 booleans, anchors, merge keys, repeated keys and a second document', () => {
    const text = `
base: &base {server: "https://first:1", insecure-skip-tls-verify: yes}
current-context: one
current-context: x
clusters: [{name: x, cluster: {<<: *base, unknown-field: 1}}]
contexts: [{name: x, context: {cluster: x}}]
---
current-context: other`
    const found = resolve({}, { '/home/op/.kube/config': text })
    expect([found.context, found.server.host, found.cluster['insecure-skip-tls-verify']]).toEqual(['x', 'first:1', true])
  })

  it('says so when a user is named that no file defines: kubectl goes on without credentials and in silence', () => {
    const found = resolve({}, { '/home/op/.kube/config': namedConfig('a').replace('users: [{name: a', 'users: [{name: b') })
    expect(found.notices).toEqual(['no kubeconfig defines the user "a": requests go out without credentials'])
  })
})
