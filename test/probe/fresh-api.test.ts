import { afterEach, describe, expect, test } from 'vitest'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { createFreshApi } from '../../src/probe/fresh-api.ts'
import { trustOf } from '../../src/probe/trust.ts'
import { certificates } from '../../src/simulator/certificates.ts'
import { connectionTo } from '../cluster/test-connection.ts'
import { machineWith } from '../cluster/test-machine.ts'
import { closeListeners, readyServer } from './listeners.ts'

afterEach(closeListeners)

const ca = Buffer.from(certificates.ca).toString('base64')

describe('createFreshApi', () => {
  test('every request has a connection of its own and carries its headers', async () => {
    const { port, connections, asked } = await readyServer(() => 200)
    const connection = connectionTo({ server: `https://127.0.0.1:${port}`, cluster: { 'certificate-authority-data': ca } })
    const api = createFreshApi(connection)
    for (let time = 0; time < 3; time++) await api.request('GET', '/readyz', undefined, { headers: { upgrade: 'SPDY/3.1', connection: 'Upgrade' } })
    expect(connections()).toBe(3)
    expect(asked.map(({ upgrade }) => upgrade)).toEqual(['SPDY/3.1', 'SPDY/3.1', 'SPDY/3.1'])
    connection.close()
  })
})

describe('trustOf', () => {
  /** Written without the certificate authority the tests' kubeconfigs come with. */
  const trust = (more: Record<string, unknown>) => {
    const cluster = { server: 'https://127.0.0.1:6443', ...more }
    const config = { clusters: [{ name: 'home', cluster }], contexts: [{ name: 'home', context: { cluster: 'home' } }], 'current-context': 'home' }
    const machine = machineWith({ '/home/op/.kube/config': JSON.stringify(config), '/home/op/.kube/ca.crt': 'pem' })
    return trustOf(resolveKubeconfig({}, machine), machine)
  }

  test.each<[Record<string, unknown>, object]>([
    [{}, {}],
    [{ 'certificate-authority-data': ca }, { ca: certificates.ca }],
    [{ 'certificate-authority': 'ca.crt' }, { ca: 'pem' }],
    [{ 'insecure-skip-tls-verify': true }, { insecure: true }],
    [{ 'tls-server-name': 'api.home' }, { serverName: 'api.home' }],
  ])('%j', (cluster, expected) => {
    expect(trust(cluster)).toEqual(expected)
  })
})
