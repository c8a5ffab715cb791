import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownLabels } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { createHostPodShell } from '../../src/cluster/pods/host-pod.ts'
import { hostPodObject } from '../../src/cluster/pods/host-pod-object.ts'
import { FwError } from '../../src/errors.ts'

const model: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'calico-node-x', namespace: 'calico-system' },
  spec: {
    nodeName: 'ws1',
    priorityClassName: 'system-node-critical',
    imagePullSecrets: [{ name: 'registry' }],
    containers: [
      { name: 'other', image: 'wrong' },
      { name: 'calico-node', image: 'example/calico/node:v3.32.1' },
    ],
  },
}
const run = { namespace: 'calico-system', pod: 'calico-node-x', container: 'calico-node', command: ['bash', '-c', 'ip -j addr'], timeoutMs: 5_000 }
const terminated = (message: string) => ({ phase: 'Succeeded', containerStatuses: [{ state: { terminated: { reason: 'Completed', message } } }] })
const refused = (code: 'FW_FORBIDDEN' | 'FW_TIMEOUT') => new FwError(code, 'no')

interface Fate {
  /** The pod's status at each look, the last one for ever. */
  readonly statuses?: readonly object[]
  readonly creating?: FwError
  /** Creating fails although it was made. */
  readonly made?: boolean
  readonly log?: string
  readonly deleting?: readonly FwError[]
  readonly old?: readonly KubeObject[]
}

/** A namespace's pods, and a clock that runs only while somebody sleeps. */
const cluster = ({ statuses = [], creating, made = false, log = '', deleting = [], old = [] }: Fate = {}) => {
  const pods = new Map<string, KubeObject>([model, ...old].map((pod) => [pod.metadata.name, pod]))
  const created: KubeObject[] = []
  let [now, looks, deletions] = [0, 0, 0]
  const shell = createHostPodShell({
    netAdmin: true,
    random: () => 'cafe',
    clock: {
      now: () => now,
      wall: () => new Date(1_000_000_000_000 + now),
      sleep: async (ms, signal) => {
        signal?.throwIfAborted()
        now += ms
      },
    },
    api: {
      get: async ({ name }) => {
        const pod = pods.get(name)
        return name === 'calico-node-x' || pod === undefined ? pod : { ...pod, status: statuses[Math.min(looks++, statuses.length - 1)] ?? {} }
      },
      list: async () => [...pods.values()].filter(({ metadata }) => metadata.labels !== undefined),
      create: async (pod) => {
        if (creating === undefined || made) pods.set(pod.metadata.name, pod)
        if (creating !== undefined) throw creating
        created.push(pod)
        return pod
      },
      delete: async ({ name }) => {
        const problem = deleting[deletions++]
        if (problem !== undefined) throw problem
        return pods.delete(name)
      },
      request: async () => log,
    },
  })
  return { shell, created, left: () => [...pods.keys()] }
}

describe('a short pod', () => {
  it('answers by its termination message, and is gone', async () => {
    const { shell, created, left } = cluster({ statuses: [{}, { phase: 'Running' }, terminated('3 5\nhello')] })
    expect(await shell(run)).toEqual({ stdout: 'hello', stderr: '', exitCode: 3 })
    expect(left()).toEqual(['calico-node-x'])
    expect(created[0]?.metadata).toMatchObject({ name: 'calico-fw-look-cafe', namespace: 'calico-system' })
  })

  it('answers by its log where the message does not hold everything', async () => {
    const { shell, left } = cluster({ statuses: [terminated('0 8\nhell')], log: 'hello wo' })
    expect((await shell(run)).stdout).toBe('hello wo')
    expect(left()).toEqual(['calico-node-x'])
  })

  it.each<[string, Fate, string]>([
    ['the right to create it is missing', { creating: refused('FW_FORBIDDEN') }, 'FW_FORBIDDEN'],
    ['creating it gives no answer, and it was made', { creating: refused('FW_TIMEOUT'), made: true }, 'FW_TIMEOUT'],
    ['it never ends', { statuses: [{ phase: 'Running' }] }, 'FW_TIMEOUT'],
    ['its deadline ends it', { statuses: [{ phase: 'Failed', reason: 'DeadlineExceeded' }] }, 'FW_API'],
    ['the image is not there', { statuses: [{ containerStatuses: [{ state: { waiting: { reason: 'ErrImageNeverPull' } } }] }] }, 'FW_API'],
    ['it ends without a word', { statuses: [{ containerStatuses: [{ state: { terminated: { reason: 'OOMKilled' } } }] }] }, 'FW_API'],
    ['its log is cut', { statuses: [terminated('0 9000\nx')], log: 'x' }, 'FW_API'],
    ['deleting it fails twice', { statuses: [terminated('0 0\n')], deleting: [refused('FW_TIMEOUT'), refused('FW_TIMEOUT')] }, 'none'],
  ])('%s: nothing is left', async (_, fate, code) => {
    const { shell, left } = cluster(fate)
    await expect(
      shell(run).then(
        () => 'none',
        (error: FwError) => error.code,
      ),
    ).resolves.toBe(code)
    expect(left()).toEqual(['calico-node-x'])
  })

  it('Ctrl-C ends it, and nothing is left', async () => {
    const stop = new AbortController()
    const { shell, left } = cluster({ statuses: [{ phase: 'Running' }] })
    const looking = shell({ ...run, timeoutMs: 1e9, signal: stop.signal })
    await Promise.resolve()
    stop.abort(new Error('Ctrl-C'))
    await expect(looking).rejects.toThrow('Ctrl-C')
    expect(left()).toEqual(['calico-node-x'])
  })

  it('what a dead client left is swept; what may be somebody else’s at work is not', async () => {
    const of = (name: string, ageMs: number) => ({
      ...model,
      metadata: { name, namespace: 'calico-system', labels: ownLabels(), creationTimestamp: new Date(1_000_000_000_000 - ageMs).toISOString() },
    })
    const { shell, left } = cluster({ statuses: [terminated('0 0\n')], old: [of('old', 700_000), of('young', 5_000)] })
    await shell(run)
    expect(left()).toEqual(['calico-node-x', 'young'])
  })
})

describe('its object', () => {
  const order = { name: 'look', namespace: 'calico-system', node: 'ws1', image: 'i', command: ['true'], deadlineSeconds: 5 }

  it('has no right it does not need, and runs where it is told', () => {
    const { spec } = hostPodObject(model, { ...order, netAdmin: false }) as unknown as { spec: Record<string, unknown> & { containers: object[] } }
    expect(spec).toMatchObject({
      nodeName: 'ws1',
      hostNetwork: true,
      restartPolicy: 'Never',
      activeDeadlineSeconds: 5,
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
      priorityClassName: 'system-node-critical',
    })
    expect(spec.containers[0]).toMatchObject({ imagePullPolicy: 'Never', securityContext: { capabilities: { drop: ['ALL'] } } })
    expect(JSON.stringify(spec)).not.toMatch(/privileged|hostPID|hostPath|"add"|runAsUser/)
  })

  it('with the packet filter, NET_ADMIN and NET_RAW and no more', () => {
    expect(JSON.stringify(hostPodObject(model, { ...order, netAdmin: true }))).toContain('"add":["NET_ADMIN","NET_RAW"]')
  })

  it.each([
    ['echo hello; exit 3', '3 5\nhello', 'hello'],
    ['printf "%05000d" 0', `0 5000\n${'0'.repeat(4_000)}`, '0'.repeat(5_000)],
    ['printf "äö"', '0 4\näö', 'äö'],
  ])('bash runs %s and leaves the answer twice', (script, message, log) => {
    const { spec } = hostPodObject(model, { ...order, command: ['bash', '-c', script], netAdmin: false }) as unknown as {
      spec: { containers: { command: string[] }[] }
    }
    const path = join(mkdtempSync(join(tmpdir(), 'calico-fw-test-')), 'termination-log')
    const [bash = '', ...args] = (spec.containers[0]?.command ?? []).map((word) => word.replaceAll('/dev/termination-log', path))
    expect(execFileSync(bash, args, { encoding: 'utf8' })).toBe(log)
    expect(readFileSync(path, 'utf8')).toBe(message)
  })
})
