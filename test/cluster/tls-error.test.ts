import { describe, expect, it } from 'vitest'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { askReady } from '../../src/probe/ready.ts'
import { failureOf, told } from './test-connection.ts'
import { get, ok, serve, to } from './test-scope.ts'
import { fixture } from './test-server.ts'

describe('TLS', () => {
  it('checks the certificate against tls-server-name where one is given', async () => {
    const server = await serve(ok)
    await to({ server: server.url, cluster: { 'tls-server-name': 'kubernetes' } }).send(get)
    expect(server.requests[0]?.servername).toBe('kubernetes')
  })

  // Found in review: OpenSSL wants a self-signed certificate at the end of a chain and Go takes what it is given, so kubectl worked where this tool cried wolf.
  it('trusts a given CA that is signed by another one, as kubeadm has it under a company’s root, and no sibling of it', async () => {
    const server = await serve(ok, 'company-server')
    const asking = (name: string) => to({ server: server.url, cluster: { 'certificate-authority-data': fixture(name).toString('base64') } }).send(get)
    await asking('company-ca.pem')
    expect(server.requests).toHaveLength(1)
    expect((await failureOf(asking('other-ca.pem'))).code).toBe('FW_TLS')
    const trust = { ca: fixture('company-ca.pem').toString() }
    const options = { timeoutMs: 2_000, signal: new AbortController().signal }
    expect(await askReady(openSocket, '127.0.0.1', server.port, trust, options)).toEqual({ outcome: 'ok' })
    expect((await askReady(openSocket, '127.0.0.1', server.port, { ca: fixture('other-ca.pem').toString() }, options)).outcome).toBe('failed')
  })

  it('verifies nothing with insecure-skip-tls-verify', async () => {
    const server = await serve(ok, 'expired-server')
    await to({ server: server.url, cluster: { 'certificate-authority-data': '', 'insecure-skip-tls-verify': true } }).send(get)
    expect(server.requests).toHaveLength(1)
  })

  it.each<[string, object, 'server' | 'expired-server' | 'none', RegExp]>([
    [
      'a wrong CA',
      { 'certificate-authority-data': fixture('other-ca.pem').toString('base64') },
      'server',
      /is not signed by the authority from the kubeconfig\n.*\ntake a new kubeconfig/,
    ],
    [
      'a CA missing',
      { 'certificate-authority-data': '' },
      'server',
      /is signed by nobody we know\n.*\nname its authority: --certificate-authority FILE/,
    ],
    [
      'a wrong tls-server-name',
      { 'tls-server-name': 'elsewhere' },
      'server',
      /is for another name\nit is for localhost, kubernetes, 127.0.0.1.*\n.*--tls-server-name localhost/,
    ],
    ['an expired certificate', {}, 'expired-server', /has expired\n.*\nrenew it on the server/],
  ])('fails with FW_TLS and its remedy on %s', async (_title, cluster, certificate, expected) => {
    const server = await serve(ok, certificate)
    const error = await failureOf(to({ server: server.url, cluster }).send(get))
    expect(told(error)).toMatch(expected)
    expect([error.code, error.exit, server.requests.length]).toEqual(['FW_TLS', 6, 0])
  })

  it('fails with FW_TLS on a port that does not speak it', async () => {
    const server = await serve(ok, 'none')
    const error = await failureOf(to({ server: server.url.replace('http:', 'https:') }).send(get))
    expect(told(error)).toMatch(/FW_TLS\n127.0.0.1:\d+ does not speak TLS/)
  })
})
