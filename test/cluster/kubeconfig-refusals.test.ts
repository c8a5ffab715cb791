import { describe, expect, it } from 'vitest'
import type { ConnectionFlags } from '../../src/cluster/kubeconfig/connection-flags.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../../src/cluster/workstation.ts'
import { thrownBy, told } from './test-connection.ts'
import { machineWith, namedConfig } from './test-machine.ts'

const resolve = (flags: ConnectionFlags, files: Record<string, string>, machine: Partial<Workstation> = {}) =>
  resolveKubeconfig(flags, machineWith(files, machine))
const [a, c] = [namedConfig('a'), namedConfig('c')]

describe('refusals', () => {
  const home = (text: string): Record<string, string> => ({ '/home/op/.kube/config': text })
  const user = (fields: string): Record<string, string> => home(namedConfig('a').replace('token: a-token', fields))
  const exec = (fields: string): Record<string, string> => user(`exec: {command: x, ${fields}}`)

  it.each<[string, ConnectionFlags, Record<string, string>, RegExp]>([
    [
      'no kubeconfig at all, and no slide to localhost:8080',
      {},
      {},
      /FW_KUBECONFIG\nno kubeconfig was found\nnot there: \/home\/op\/.kube\/config\n.*--context/,
    ],
    ['--kubeconfig names a missing file', { kubeconfig: '/gone' }, home(a), /kubeconfig \/gone does not exist/],
    ['an unknown context, with the known ones', { context: 'nope' }, home(a), /the context "nope" does not exist\n.*defines "a"\n/],
    [
      'no context chosen',
      {},
      home(namedConfig('a').replace('current-context: a', '')),
      /no context is chosen\n.*sets no current-context; it defines "a"/,
    ],
    ['an unknown --cluster', { cluster: 'nope' }, home(a), /the cluster "nope" does not exist/],
    ['an unknown --user', { user: 'nope' }, home(a), /the user "nope" does not exist/],
    [
      'a context whose cluster is missing',
      {},
      home(namedConfig('a').replace('cluster: a,', 'cluster: b,')),
      /no server is known for the cluster "b"/,
    ],
    ['a password in the server’s URL', { server: 'https://admin:s3cret@h:6443' }, home(a), /^(?!.*s3cret).*has a user or password in its URL/s],
    ['a server that is no URL with a password', { server: 'ftp://admin:s3cret@h' }, home(a), /^(?!.*s3cret).*is not a URL/s],
    ['a server that is no URL', { server: 'ftp://x' }, home(a), /"ftp:\/\/x" of cluster "a" is not a URL/],
    ['the same name twice in one file', {}, home(a.replace('users: [', 'users: [{name: a, user: {}}, ')), /it defines the user "a" twice/],
    ['not YAML', {}, home('{'), /kubeconfig \/home\/op\/.kube\/config cannot be read\n.+\nmend it/],
    ['not a mapping', {}, home('just text'), /cannot be read/],
    ['another kind', {}, home('kind: Pod\napiVersion: v1'), /it is a Pod of v1/],
    ['a number for a token', {}, user('token: 1234'), /users\.0\.user\.token/],
    ['data that is not base64', {}, user('client-certificate-data: "%%"'), /is not base64/],
    ['a certificate without key', {}, user('client-certificate: /x'), /certificate is given without its key/],
    [
      'a certificate as file and as data',
      {},
      user('client-certificate: /x, client-certificate-data: Q0E=, client-key: /k'),
      /client-certificate and client-certificate-data/,
    ],
    ['token and password', {}, user('token: t, username: u'), /a token and a username are both given/],
    [
      'an authority, and not checking it',
      {},
      home(a.replace('certificate-authority:', 'insecure-skip-tls-verify: true, certificate-authority:')),
      /asks not to check it/,
    ],
    ['a group without a user', { asGroup: ['x'] }, home(a), /impersonated without a user/],
    ['a proxy-url that is none', {}, home(a.replace('certificate-authority:', 'proxy-url: "ftp://p", certificate-authority:')), /proxy-url is not/],
    ['a plugin of an old protocol', {}, exec('apiVersion: client.authentication.k8s.io/v1alpha1'), /speaks "client.authentication.k8s.io\/v1alpha1"/],
    ['a v1 plugin without interactiveMode', {}, exec('apiVersion: client.authentication.k8s.io/v1'), /interactiveMode ""/],
    ['a bad --request-timeout', { requestTimeout: 'soon' }, home(a), /FW_USAGE\n--request-timeout "soon"/],
  ])('%s', (_title, flags, files, expected) => {
    expect(told(thrownBy(() => resolve(flags, files)))).toMatch(expected)
  })

  it('a file that is there and cannot be read is an error, not a missing file', () => {
    const denied = Object.assign(new Error("EACCES: permission denied, open '/a'"), { code: 'EACCES' })
    const machine = machineWith({ '/c': c }, { env: { KUBECONFIG: '/a:/c' } })
    const error = thrownBy(() =>
      resolveKubeconfig(
        {},
        {
          ...machine,
          readFile: (path) => {
            if (path === '/a') throw denied
            return machine.readFile(path)
          },
        },
      ),
    )
    expect(told(error)).toMatch(/kubeconfig \/a cannot be read\nEACCES/)
  })
})
