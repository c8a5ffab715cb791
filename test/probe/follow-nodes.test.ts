import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PodCommand } from '../../src/cluster/pods/exec.ts'
import type { Probe, ProbeResult } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { followFromNodes } from '../../src/probe/follow-nodes.ts'
import { realClock } from '../fixtures/real-time.ts'

/** The loop as a node runs it: the real bash, with a pipe for what exec would carry. */
describe('following from a node', () => {
  let server: Server
  let port = 0
  const ended: (number | null)[] = []
  beforeEach(async () => {
    ended.length = 0
    server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
  })
  afterEach(() => void server.close())

  const run = async ({ command, input, onOutput }: PodCommand) => {
    const [program = '', ...args] = command
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => undefined)
    input?.pipe(child.stdin)
    child.stdout.on('data', (chunk: Buffer) => onOutput?.(chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    ended.push(code)
    return { stdout: '', stderr: '', exitCode: code ?? 1 }
  }
  const vantage = {
    shell: { run, byPods: () => false },
    nodes: [{ name: 'ws2', calicoNode: { namespace: 'calico-system', pod: 'calico-node-ws2', ready: true, restarts: 0 } }],
  }
  const probe = (): Probe => ({
    ...{ id: 'line', title: 'a line', expect: 'open' },
    target: { kind: 'node-tcp', node: 'ws2', address: parseAddress('127.0.0.1'), port },
  })

  it('tells every fresh connection, and a loss within a second; its loop ends when nobody listens any more', async () => {
    const stop = new AbortController()
    const seen: ProbeResult[] = []
    const following = followFromNodes({ vantage, clock: realClock }, [probe()], (result) => seen.push(result), stop.signal)
    await expect.poll(() => seen.filter(({ outcome }) => outcome === 'ok').length, { timeout: 10_000 }).toBeGreaterThan(1)
    server.close()
    await expect.poll(() => seen.at(-1)?.outcome, { timeout: 5_000 }).toBe('refused')
    expect(ended).toEqual([])
    stop.abort()
    await following
    expect(ended).toEqual([0])
  })

  it('a node nobody can look from is left out', async () => {
    const stop = new AbortController()
    stop.abort()
    await followFromNodes({ vantage: { ...vantage, nodes: [] }, clock: realClock }, [probe()], () => undefined, stop.signal)
    expect(ended).toEqual([])
  })
})
