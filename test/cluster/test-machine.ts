import type { Workstation } from '../../src/cluster/workstation.ts'
import { fixture } from './test-server.ts'

/** A workstation whose files are the given ones, and nothing else. */
export const machineWith = (files: Readonly<Record<string, string | Buffer>> = {}, more: Partial<Workstation> = {}): Workstation => ({
  env: {},
  platform: 'linux',
  home: '/home/op',
  cwd: '/home/op',
  readFile: (path) => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
    return Buffer.from(content)
  },
  now: () => Date.now(),
  terminal: { stdin: 0, stderr: 2, isTerminal: false },
  ...more,
})

/** What one kubeconfig says about its single cluster and user, over sensible defaults. */
export interface ConfigParts {
  readonly server: string
  readonly cluster?: object
  readonly user?: object
}

/** A kubeconfig with one context `home`; the CA is the tests' unless the parts say otherwise. */
export const kubeconfigFor = ({ server, cluster = {}, user = {} }: ConfigParts): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'home',
    clusters: [
      {
        name: 'home',
        cluster: {
          server,
          ...('certificate-authority-data' in cluster ? {} : { 'certificate-authority-data': fixture('ca.pem').toString('base64') }),
          ...cluster,
        },
      },
    ],
    users: [{ name: 'operator', user }],
    contexts: [{ name: 'home', context: { cluster: 'home', user: 'operator' } }],
  })

/** A kubeconfig in YAML whose one cluster, user and context share a name; `NAME-ns` is the namespace and `NAME-token` the token. */
export const namedConfig = (name: string, more = ''): string => `
apiVersion: v1
kind: Config
current-context: ${name}
clusters: [{name: ${name}, cluster: {server: "https://${name}.example:6443", certificate-authority: pki/ca.crt}}]
users: [{name: ${name}, user: {token: ${name}-token}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}, namespace: ${name}-ns}}]
${more}`
