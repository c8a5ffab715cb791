import { expect, it } from 'vitest'
import { kubeconfigFor } from './test-machine.ts'
import { get, ok, serve, to } from './test-scope.ts'
import { fixture } from './test-server.ts'

const files: Readonly<Record<string, Buffer>> = {
  '/pki/client.pem': fixture('client.pem'),
  '/pki/client.key': fixture('client.key'),
  '/pki/ca.pem': fixture('ca.pem'),
}

it.each<[string, object, string | undefined, string | undefined]>([
  ['a token', { token: 't' }, 'Bearer t', undefined],
  ['a token file', { tokenFile: '/token' }, 'Bearer from-file', undefined],
  ['certificate files', { 'client-certificate': '/pki/client.pem', 'client-key': '/pki/client.key' }, undefined, 'operator'],
])(
  'a kubeconfig that is switched to another cluster, or deleted, in the middle of a run changes nothing of it: %s',
  async (_, user, bearer, subject) => {
    const [server, other] = [await serve(ok), await serve(ok)]
    const cluster = { 'certificate-authority-data': '', 'certificate-authority': '/pki/ca.pem' }
    let now = 0
    let read = (path: string): Buffer | string | undefined =>
      path === '/home/op/.kube/config' ? kubeconfigFor({ server: server.url, cluster, user }) : path === '/token' ? 'from-file' : files[path]
    const readFile = (path: string): Buffer => {
      const found = read(path)
      if (found === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
      return Buffer.from(found)
    }
    const connection = to({ server: server.url }, { machine: { readFile, now: () => now } })
    await connection.send(get)
    for (const later of [() => kubeconfigFor({ server: other.url, user: { token: 'theirs' } }), () => undefined]) {
      read = (path) => (path === '/home/op/.kube/config' ? later() : undefined)
      // Past every minute after which a token file would be read anew.
      now += 600_000
      await connection.send({ ...get, fresh: {} })
    }
    expect(other.requests).toEqual([])
    expect(server.requests.map(({ headers, clientName }) => [headers.authorization, clientName])).toEqual(Array(3).fill([bearer, subject]))
  },
)
