import { execFile } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import type { PodCommand, RunInPod } from '../../src/cluster/pods/exec.ts'
import { nodeShell } from '../../src/cluster/pods/node-shell.ts'
import { FwError } from '../../src/errors.ts'
import type { Probe } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { askFromNodes } from '../../src/probe/from-nodes.ts'
import { acceptingPort, closeListeners, freePort } from './listeners.ts'

afterEach(closeListeners)

const nodes = ['ws1', 'ws2'].map((name) => ({
  name,
  calicoNode: { pod: `calico-node-${name}`, namespace: 'calico-system', ready: true, restarts: 0 },
}))
const probe = (node: string, port: number, address = '127.0.0.1'): Probe => ({
  id: `${node}/${address}/${port}`,
  title: '',
  target: { kind: 'node-tcp', node, address: parseAddress(address), port },
  expect: 'open',
})
const options = { timeoutMs: 500, signal: new AbortController().signal }

/** The node is this machine: its own bash makes the connections. */
const here =
  (asked: PodCommand[]): RunInPod =>
  (run) =>
    new Promise((resolve, reject) => {
      asked.push(run)
      const [program = '', ...words] = run.command
      execFile(program, words, (error, stdout, stderr) => (error === null ? resolve({ stdout, stderr, exitCode: 0 }) : reject(error)))
    })

describe('connections from nodes', () => {
  test('one command a node makes them all at once, with bash alone; each answer is told apart', async () => {
    const [open, shut] = [await acceptingPort(), await freePort()]
    const asked: PodCommand[] = []
    const seen = await askFromNodes(
      { shell: nodeShell(here(asked), undefined), nodes },
      [probe('ws1', open), probe('ws1', shut), probe('ws2', open), probe('ws1', open, '0.0.0.0')],
      options,
    )
    expect(Object.fromEntries([...seen].map(([id, { outcome }]) => [id, outcome]))).toEqual({
      [`ws1/127.0.0.1/${open}`]: 'ok',
      [`ws1/127.0.0.1/${shut}`]: 'refused',
      [`ws1/0.0.0.0/${open}`]: 'ok',
      [`ws2/127.0.0.1/${open}`]: 'ok',
    })
    expect(asked.map(({ pod, container, timeoutMs }) => [pod, container, timeoutMs])).toEqual([
      ['calico-node-ws1', 'calico-node', 4_500],
      ['calico-node-ws2', 'calico-node', 4_500],
    ])
  })

  test('two hundred connections that end in any order all have their answer', async () => {
    const open = await acceptingPort()
    const probes = Array.from({ length: 200 }, (_, at) => ({ ...probe('ws1', open), id: `${at}` }))
    const seen = await askFromNodes({ shell: nodeShell(here([]), undefined), nodes }, probes, { ...options, timeoutMs: 5_000 })
    expect([...seen.values()].filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(seen.size).toBe(200)
  })

  test.each<[string, string, object]>([
    ['silence', '0 124\n', { outcome: 'timeout', detail: 'no answer in 0.5 s' }],
    [
      'no way',
      '0 1 bash: connect: No route to host bash: line 1: /dev/tcp/10.0.0.1/1: No route to host\n',
      { outcome: 'failed', detail: ' No route to host' },
    ],
    ['an image without timeout', '0 127 bash: timeout: command not found\n', { outcome: 'not-run', detail: 'the image has no bash or timeout' }],
    ['output that was cut off', '', { outcome: 'not-run', detail: 'the node gave no answer' }],
  ])('%s', async (_, stdout, expected) => {
    const seen = await askFromNodes(
      { shell: nodeShell(async () => ({ stdout, stderr: '', exitCode: 0 }), undefined), nodes },
      [probe('ws1', 1, '10.0.0.1')],
      options,
    )
    expect([...seen.values()].map(({ detail, ...rest }) => ({ ...rest, detail }))).toEqual([
      { ...expected, detail: expect.stringContaining((expected as { detail: string }).detail.trim()) },
    ])
  })

  test('where nobody can look nothing counts as seen', async () => {
    const refusing: RunInPod = async () => {
      throw new FwError('FW_FORBIDDEN', 'user "x" may not create pods/exec')
    }
    expect((await askFromNodes(undefined, [probe('ws1', 1)], options)).get('ws1/127.0.0.1/1')?.outcome).toBe('not-run')
    expect((await askFromNodes({ shell: nodeShell(refusing, undefined), nodes }, [probe('ws9', 1)], options)).get('ws9/127.0.0.1/1')?.outcome).toBe(
      'not-run',
    )
    expect((await askFromNodes({ shell: nodeShell(refusing, undefined), nodes }, [probe('ws1', 1)], options)).get('ws1/127.0.0.1/1')).toEqual({
      outcome: 'not-run',
      detail: 'user "x" may not create pods/exec',
    })
  })

  test('an abort ends it', async () => {
    const stop = new AbortController()
    const hanging: RunInPod = ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const asking = askFromNodes({ shell: nodeShell(hanging, undefined), nodes }, [probe('ws1', 1)], { timeoutMs: 500, signal: stop.signal })
    stop.abort(new Error('Ctrl-C'))
    await expect(asking).rejects.toThrow('Ctrl-C')
  })
})
