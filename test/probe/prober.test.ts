import { afterEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { openSocket } from '../../src/cluster/transport/network.ts'
import { FwError } from '../../src/errors.ts'
import type { Probe, ProbeTarget } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { createProber, type ProberContext } from '../../src/probe/prober.ts'
import { certificates } from '../../src/simulator/certificates.ts'
import { type ObjectApiOptions, objectApi } from '../fixtures/object-api.ts'
import { realClock } from '../fixtures/real-time.ts'
import { instantClock } from './instant-clock.ts'
import { acceptingPort, closeListeners, freePort, readyServer, silentSocket } from './listeners.ts'

afterEach(closeListeners)

const loopback = parseAddress('127.0.0.1')

const withCondition = (
  apiVersion: string,
  kind: string,
  metadata: KubeObject['metadata'],
  type: string,
  status: string,
  more: object = {},
): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  status: { conditions: [{ type, status, reason: 'Because' }] },
  ...more,
})

const pod = (name: string, nodeName: string, ready: string): KubeObject =>
  withCondition('v1', 'Pod', { name, namespace: 'calico-system', labels: { 'k8s-app': 'calico-node' } }, 'Ready', ready, { spec: { nodeName } })

const cluster: readonly KubeObject[] = [
  withCondition('v1', 'Node', { name: 'ws1' }, 'Ready', 'True'),
  withCondition('v1', 'Node', { name: 'ws2' }, 'Ready', 'Unknown'),
  pod('calico-node-a', 'ws1', 'True'),
  pod('calico-node-b', 'ws2', 'False'),
  withCondition('apiregistration.k8s.io/v1', 'APIService', { name: 'v3.projectcalico.org' }, 'Available', 'True'),
]

const context = (options: ObjectApiOptions = {}, more: Partial<ProberContext> = {}): ProberContext => {
  const api = objectApi(cluster, options)
  return {
    ...{ api, probeApi: api, openSocket, clock: realClock, trust: { ca: certificates.ca } },
    calicoNode: { namespace: 'calico-system', labels: { 'k8s-app': 'calico-node' } },
    ...more,
  }
}

const probe = (target: ProbeTarget, more: Partial<Probe> = {}): Probe => ({
  id: JSON.stringify(target),
  title: 'a probe',
  target,
  expect: 'open',
  ...more,
})
const round = (more: object = {}) => ({ signal: new AbortController().signal, since: new Date(), timeoutMs: 2_000, ...more })
const ask = async (of: ProberContext, target: ProbeTarget) => (await createProber(of).run([probe(target)], round()))[0]

describe('each kind of probe', () => {
  test.each<[ProbeTarget, string, string | undefined]>([
    [{ kind: 'node-ready', node: 'ws1' }, 'ok', undefined],
    [{ kind: 'node-ready', node: 'ws2' }, 'failed', 'Ready is Unknown, Because'],
    [{ kind: 'node-ready', node: 'ws9' }, 'failed', 'there is no node ws9'],
    [{ kind: 'calico-node', node: 'ws1' }, 'ok', undefined],
    [{ kind: 'calico-node', node: 'ws2' }, 'failed', 'Ready is False, Because'],
    [{ kind: 'calico-node', node: 'ws9' }, 'failed', 'there is no calico-node pod on ws9'],
    [{ kind: 'api-service', name: 'v3.projectcalico.org' }, 'ok', undefined],
    [{ kind: 'api-service', name: 'v1.gone' }, 'failed', 'there is no APIService v1.gone'],
    [{ kind: 'kubelet', node: 'ws1' }, 'ok', undefined],
    [{ kind: 'kubeconfig' }, 'ok', undefined],
  ])('%j', async (target, outcome, detail) => {
    const seen = await ask(context({ paths: { '/readyz': 'ok', '/api/v1/nodes/ws1/proxy/healthz': 'ok' } }), target)
    expect(seen).toEqual({ id: JSON.stringify(target), outcome, ...(detail === undefined ? {} : { detail }) })
  })

  test.each<[ProbeTarget, string, string]>([
    [{ kind: 'node-ready', node: 'ws1' }, 'Node', 'list nodes'],
    [{ kind: 'calico-node', node: 'ws1' }, 'Pod', 'list pods in calico-system'],
    [{ kind: 'api-service', name: 'v3.projectcalico.org' }, 'APIService', 'get apiservices'],
    [{ kind: 'kubelet', node: 'ws1' }, '/api/v1/nodes/ws1/proxy/healthz', 'get nodes/proxy'],
  ])('%j without the right is not run, never passed', async (target, forbidden, right) => {
    expect(await ask(context({ forbidden: [forbidden] }), target)).toMatchObject({ outcome: 'not-run', detail: `needs the right to ${right}` })
  })

  test('the API that forbids /readyz has answered, over a new connection', async () => {
    expect(await ask(context({ forbidden: ['/readyz'] }), { kind: 'kubeconfig' })).toMatchObject({ outcome: 'ok' })
  })

  test.each([
    [new FwError('FW_TIMEOUT', 'no answer'), 'timeout'],
    [new FwError('FW_UNREACHABLE', 'no way', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) }), 'refused'],
    [new FwError('FW_UNREACHABLE', 'no way'), 'failed'],
    [new FwError('FW_TLS', 'wrong CA'), 'failed'],
    [new FwError('FW_UNAUTHORIZED', 'revoked'), 'failed'],
    [new FwError('FW_API', '502 dial tcp 192.168.218.174:10250: i/o timeout'), 'failed'],
  ])('%o is %s', async (error, outcome) => {
    const paths = {
      '/readyz': () => {
        throw error
      },
    }
    expect((await ask(context({ paths }), { kind: 'kubeconfig' }))?.outcome).toBe(outcome)
  })

  test.each([
    ['invalid upgrade response: status code 200', 'ok'],
    ['invalid upgrade response: status code 101', 'failed'],
    ['error dialing backend: dial tcp 192.168.218.174:10250: connect: connection refused', 'failed'],
  ])('the node proxy of Kubernetes 1.36 answers "%s"', async (message, outcome) => {
    const paths = {
      '/api/v1/nodes/ws1/proxy/healthz': () => {
        throw new FwError('FW_API', 'GET /api/v1/nodes/ws1/proxy/healthz answers 500', { why: message })
      },
    }
    expect((await ask(context({ paths }), { kind: 'kubelet', node: 'ws1' }))?.outcome).toBe(outcome)
  })

  test('the kubelet is asked in the way that makes the API server dial anew', async () => {
    const sent: unknown[] = []
    const probeApi: ProberContext['probeApi'] = { request: async (...request) => sent.push(request[3]?.headers) }
    await ask(context({}, { probeApi }), { kind: 'kubelet', node: 'ws1' })
    expect(sent).toEqual([{ connection: 'Upgrade', upgrade: 'SPDY/3.1' }])
  })

  test('anything that is no FwError is a bug and is not turned into an outcome', async () => {
    const paths = {
      '/readyz': () => {
        throw new TypeError('a bug')
      },
    }
    await expect(ask(context({ paths }), { kind: 'kubeconfig' })).rejects.toThrow('a bug')
  })

  test('tcp and api go over real sockets', async () => {
    const [open, closed, { port }] = [await acceptingPort(), await freePort(), await readyServer(() => 200)]
    const probes = [open, closed].map((of) => probe({ kind: 'tcp', address: loopback, port: of }))
    const results = await createProber(context()).run([...probes, probe({ kind: 'api', address: loopback, port })], round())
    expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'refused', 'ok'])
  })
})

describe('a round', () => {
  test('asks the cluster once for any number of nodes', async () => {
    const api = objectApi(cluster)
    const nodes = Array.from({ length: 50 }, (_, index) => `ws${index}`)
    const probes = nodes.flatMap((node) => [probe({ kind: 'node-ready', node }), probe({ kind: 'calico-node', node })])
    await createProber(context({}, { api })).run(probes, round())
    expect(api.calls).toHaveLength(2)
  })

  test('never has more connections open than it may', async () => {
    let [open, most] = [0, 0]
    const counting = () => {
      most = Math.max(most, ++open)
      return silentSocket().once('close', () => open--)
    }
    const probes = Array.from({ length: 12 }, (_, port) => probe({ kind: 'tcp', address: loopback, port: port + 1 }))
    const results = await createProber(context({}, { openSocket: counting, concurrency: 3 })).run(probes, round({ timeoutMs: 40 }))
    expect(results.every(({ outcome }) => outcome === 'timeout')).toBe(true)
    expect(most).toBe(3)
  })

  test('Node has nothing to warn the user of, however many probes listen to one signal', async () => {
    const warnings: string[] = []
    const note = ({ name }: Error) => void warnings.push(name)
    process.on('warning', note)
    const probes = Array.from({ length: 32 }, (_, port) => probe({ kind: 'tcp', address: loopback, port: port + 1 }))
    const signal = AbortSignal.any([new AbortController().signal])
    await createProber(context({}, { openSocket: silentSocket })).run(probes, round({ timeoutMs: 40, signal }))
    // A warning is told in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  test('an abort rejects at once: half a round is no answer', async () => {
    const stop = new AbortController()
    const running = createProber(context({ hanging: ['Node'] }, { openSocket: silentSocket })).run(
      [probe({ kind: 'tcp', address: loopback, port: 1 }), probe({ kind: 'node-ready', node: 'ws1' })],
      round({ signal: stop.signal }),
    )
    stop.abort(new Error('Ctrl-C'))
    await expect(running).rejects.toThrow('Ctrl-C')
  })

  test('waits for closed ports of closed nodes before it asks the open ones', async () => {
    const clock = instantClock()
    const dialled: number[] = []
    const port = await acceptingPort()
    /** Felix programs the node at its third look: until then the port answers. */
    const closing = (host: string, to: number) => {
      dialled.push(to)
      return to === 9100 && dialled.length > 2 ? silentSocket() : openSocket(host, port)
    }
    const closed = probe({ kind: 'tcp', address: loopback, port: 9100 }, { expect: 'closed', node: 'ws1' })
    const opened = probe({ kind: 'tcp', address: loopback, port: 22 })
    const results = await createProber(context({}, { openSocket: closing, clock })).run(
      [opened, closed],
      round({ timeoutMs: 40, settle: { nodes: ['ws1'], ms: 5_000 } }),
    )
    expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'timeout'])
    expect(dialled).toEqual([9100, 9100, 9100, 22])
  })

  test('a port that never closes is told as it is once the patience is over', async () => {
    const clock = instantClock()
    const port = await acceptingPort()
    const closed = probe({ kind: 'tcp', address: loopback, port }, { expect: 'closed', node: 'ws1' })
    const began = clock.now()
    const [result] = await createProber(context({}, { clock })).run([closed], round({ settle: { nodes: ['ws1'], ms: 1_000 } }))
    expect(result?.outcome).toBe('ok')
    expect(clock.now() - began).toBe(1_000)
  })

  test('Leases are asked beside the connections and land at their probes', async () => {
    const clock = instantClock()
    const lease = (): KubeObject => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'ws1', namespace: 'kube-node-lease' },
      spec: { renewTime: clock.wall().toISOString(), leaseDurationSeconds: 40 },
    })
    const api = objectApi(() => [...cluster, lease()])
    const results = await createProber(context({}, { api, clock })).run(
      [probe({ kind: 'node-lease', node: 'ws1' }), probe({ kind: 'node-ready', node: 'ws1' })],
      round({ since: clock.wall() }),
    )
    expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  })
})
