import { once } from 'node:events'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { resourceOf, v3 } from '../../src/calico/resources.ts'
import { createApi } from '../../src/cluster/create-api.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { connect } from '../../src/cluster/transport/connect.ts'
import { acceleratedClock } from '../../src/simulator/accelerated-clock.ts'
import { certificates } from '../../src/simulator/certificates.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { realClock, until } from '../fixtures/real-time.ts'
import { hostEndpoint } from './scene.ts'

const clock = acceleratedClock(realClock, 50)
const running: { close: () => unknown }[] = []
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.close()
})

const start = async (): Promise<Simulator> => {
  const simulator = await startSimulator({ clock, seed: homeCluster({ nodes: 3 }) })
  running.push(simulator)
  return simulator
}

/** A client as the product makes it, on the operator's network. */
const clientOf = (simulator: Simulator, options: Parameters<Simulator['kubeconfig']>[0] = {}) => {
  const machine = {
    ...{ env: { KUBECONFIG: '/home/op/config' }, platform: 'linux' as const, home: '/home/op', cwd: '/', now: () => Date.now() },
    readFile: () => Buffer.from(simulator.kubeconfig(options)),
    terminal: { stdin: 0, stderr: 2, isTerminal: false },
  }
  const connection = connect(resolveKubeconfig({}, machine), machine, { openSocket: simulator.openSocket })
  running.push(connection)
  return { connection, api: createApi(connection) }
}

const closeNode = async (simulator: Simulator, node: string): Promise<void> => {
  simulator.objects.create(hostEndpoint({ simulator }, node, { profiles: [] }))
  await until('the port closed', () => simulator.reach('operator', node, 9100) === 'TIMEOUT')
}

const nodes = resourceOf('v1', 'Node')

describe('the operator’s network', () => {
  it.each([
    { server: 'vip', authority: '192.168.218.189:7443' },
    { server: 'node', authority: '192.168.218.171:6443' },
  ] as const)('reaches the API at $authority over TLS with the client certificate, one connection for many calls', async ({ server }) => {
    const simulator = await start()
    const { api } = clientOf(simulator, { server })
    expect(await api.list(nodes)).toHaveLength(3)
    for (let call = 0; call < 5; call++) expect(await api.get({ apiVersion: 'v1', kind: 'Node', name: 'ws1.kryukov.local' })).toBeDefined()
    expect(simulator.connections()).toBe(1)
    expect(new Set(simulator.requests.map(({ user }) => user))).toEqual(new Set(['kubernetes-admin']))
  })

  it('signs in by token, and not by a wrong one', async () => {
    const simulator = await start()
    expect(await clientOf(simulator, { token: 'demo-token' }).api.list(nodes)).toHaveLength(3)
    await expect(clientOf(simulator, { token: 'guess' }).api.list(nodes)).rejects.toMatchObject({ code: 'FW_UNAUTHORIZED' })
  })

  it('keeps a client with its certificate signed in over fresh connections that resume a TLS session', async () => {
    const { connection } = clientOf(await start())
    for (let call = 0; call < 3; call++) {
      expect(await connection.send({ method: 'GET', path: '/api/v1/nodes', fresh: {} })).toMatchObject({ status: 200 })
    }
  })

  it('shows a certificate of its own authority for every name of the API', async () => {
    const simulator = await start()
    for (const host of ['192.168.218.189', '192.168.218.171', '10.233.0.1', 'localhost', 'kubernetes']) {
      const socket = tls.connect({ port: Number(new URL(simulator.url).port), host: '127.0.0.1', ca: certificates.ca, servername: 'kubernetes' })
      await once(socket, 'secureConnect')
      expect(socket.authorized).toBe(true)
      expect(tls.checkServerIdentity(host, socket.getPeerCertificate())).toBeUndefined()
      socket.destroy()
    }
  })

  it('refuses where nobody listens, and names the simulated address', async () => {
    const socket = (await start()).openSocket('192.168.218.174', 9101)
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 192.168.218.174:9101' })
  })

  it('knows no other names than its own', async () => {
    const simulator = await start()
    expect((await once(simulator.openSocket('nowhere.example', 22), 'error'))[0]).toMatchObject({ code: 'ENOTFOUND' })
    await once(simulator.openSocket('ws1.kryukov.local', 22), 'connect')
  })

  it('never connects to a closed port; an established connection stays; a pending one connects when the port opens', async () => {
    const simulator = await start()
    const { connection, api } = clientOf(simulator)
    await api.list(nodes)
    await simulator.objects.update({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }, (object) => ({
      ...object,
      spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22 }] },
    }))
    await until('Felix restarting', () => simulator.felix('control1').state() === 'restarting')
    await until('Felix running', () => simulator.felix('control1').state() === 'running')
    await closeNode(simulator, 'control1')
    expect(await api.list(nodes)).toHaveLength(3)
    await expect(connection.send({ method: 'GET', path: '/readyz', fresh: {}, timeoutMs: 100 })).rejects.toMatchObject({ code: 'FW_TIMEOUT' })
    const pending = simulator.openSocket('192.168.218.171', 9100)
    const seen: string[] = []
    for (const event of ['connect', 'error', 'close']) pending.on(event, () => seen.push(event))
    // Over the connection from before: one that could be made would be by then.
    await api.list(nodes)
    expect([seen, pending.connecting]).toEqual([[], true])
    await api.delete({ apiVersion: v3, kind: 'HostEndpoint', name: 'control1-ens160' })
    await once(pending, 'connect')
    pending.destroy()
  })

  it('a TLS handshake over a pending connection ends when the port opens', async () => {
    const simulator = await start()
    await closeNode(simulator, 'ws1')
    const socket = tls.connect({ socket: simulator.openSocket('192.168.218.174', 9100), rejectUnauthorized: false })
    const failed = once(socket, 'error')
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.connecting).toBe(true)
    simulator.objects.delete({ apiVersion: v3, kind: 'HostEndpoint', name: 'ws1-ens160' })
    // What answers there speaks no TLS: the handshake fails because it was reached.
    expect((await failed)[0].code).toMatch(/^ERR_SSL|ECONNRESET|EPROTO/)
  })

  it('a pulled cable loses everything, a reset drops every connection', async () => {
    const simulator = await start()
    const { connection, api } = clientOf(simulator)
    await api.list(nodes)
    simulator.network.unplug()
    await expect(connection.send({ method: 'GET', path: '/readyz', fresh: {}, timeoutMs: 100 })).rejects.toMatchObject({ code: 'FW_TIMEOUT' })
    await expect(api.list(nodes, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'FW_TIMEOUT' })
    simulator.network.plug()
    const before = simulator.connections()
    expect(await api.list(nodes)).toHaveLength(3)
    simulator.network.reset()
    expect(await api.list(nodes)).toHaveLength(3)
    expect(simulator.connections()).toBeGreaterThan(before)
  })

  it('proxies to a kubelet through the firewall, from the control-plane node', async () => {
    const simulator = await start()
    const { api } = clientOf(simulator)
    const healthz = (node: string, timeoutMs = 5_000) =>
      api.request('GET', `/api/v1/nodes/${node}.kryukov.local/proxy/healthz`, undefined, { timeoutMs })
    expect(await healthz('ws1')).toBe('ok')
    await closeNode(simulator, 'ws1')
    await closeNode(simulator, 'control1')
    await expect(healthz('ws1')).rejects.toMatchObject({ code: 'FW_API', why: expect.stringContaining('192.168.218.174:10250: i/o timeout') })
    expect(await healthz('control1')).toBe('ok')
    await expect(healthz('ws9')).rejects.toMatchObject({ code: 'FW_NOT_FOUND' })
  })
})
