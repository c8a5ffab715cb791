import { afterEach, describe, expect, test } from 'vitest'
import type { Probe, ProbeOutcome } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { watchLifeLines } from '../../src/rollout/perform/watch.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'

const api: Probe = { id: 'api', title: 'the API', target: { kind: 'api', address: parseAddress('192.168.218.171'), port: 6443 }, expect: 'open' }
const kubelet = (node: string): Probe => ({
  id: `kubelet/${node}`,
  title: `the kubelet of ${node}`,
  target: { kind: 'kubelet', node },
  expect: 'open',
  node,
})
const door: Probe = { id: 'door', title: 'a door', target: { kind: 'tcp', address: parseAddress('192.168.218.174'), port: 80 }, expect: 'closed' }
let stop = new AbortController()
afterEach(() => stop.abort())

const start = (options: {
  probes?: Probe[]
  closed?: string[]
  baseline?: ProbeOutcome
  answer: (id: string, ms: number) => ProbeOutcome
  roundMs?: number
  patience?: number[]
}) => {
  stop = new AbortController()
  const clock = virtualClock()
  const begun = clock.now()
  const asked: string[][] = []
  const red: [string, number][] = []
  const probes = options.probes ?? [api, kubelet('ws1'), door]
  void watchLifeLines({
    clock,
    probes,
    prober: {
      run: async (round, { timeoutMs = 0 }) => {
        asked.push(round.map(({ id }) => id))
        options.patience?.push(timeoutMs)
        const outcomes = round.map(({ id }) => ({ id, outcome: options.answer(id, clock.now() - begun) }))
        await clock.sleep(outcomes.some(({ outcome }) => outcome === 'timeout') ? timeoutMs : (options.roundMs ?? 10))
        return outcomes
      },
    },
    baseline: () => probes.map(({ id }) => ({ id, outcome: options.baseline ?? 'ok' })),
    closedNodes: () => options.closed ?? [],
    since: () => clock.wall(),
    signal: stop.signal,
    red: (sentence) => red.push([sentence, clock.now() - begun]),
  })
  return { clock, asked, red }
}

describe('the watcher', () => {
  test('asks the API, kubelets of closed nodes alone, and no door; green goes on and says nothing', async () => {
    const { clock, asked, red } = start({ probes: [api, kubelet('ws1'), kubelet('ws2'), door], closed: ['ws1'], answer: () => 'ok' })
    await clock.advance(3_000)
    expect(asked.length).toBeGreaterThan(8)
    expect(new Set(asked.map(String))).toEqual(new Set(['api,kubelet/ws1']))
    expect(red).toEqual([])
  })

  test('a cut is told within two seconds, once', async () => {
    const { clock, red } = start({ answer: (_, ms) => (ms < 5_000 ? 'ok' : 'timeout') })
    await clock.advance(12_000)
    expect(red.map(([sentence]) => sentence)).toEqual([expect.stringContaining('the API')])
    expect(red[0]?.[1]).toBeLessThanOrEqual(7_000)
  })

  test('one lost packet is no loss', async () => {
    let silent = 0
    const { clock, red } = start({ answer: (_, ms) => (ms > 2_000 && silent++ === 0 ? 'timeout' : 'ok') })
    await clock.advance(6_000)
    expect([silent > 0, red]).toEqual([true, []])
  })

  test('a slow way to the cluster is given more time', async () => {
    const { clock, red } = start({ roundMs: 450, answer: (_, ms) => (ms < 5_000 ? 'ok' : 'timeout') })
    await clock.advance(15_000)
    expect(red[0]?.[1]).toBeGreaterThan(5_000 + 2 * 1_800 - 450)
  })

  test('a machine that stalls now and then is given the time it takes', async () => {
    const patience: number[] = []
    const { clock, red } = start({ answer: (_, ms) => (Math.floor(ms / 310) === 5 ? 'timeout' : 'ok'), patience })
    await clock.advance(4_000)
    expect(red).toEqual([])
    expect(patience.slice(1, 4)).toEqual([600, 600, 600])
    expect(Math.max(...patience.slice(6))).toBe(2_000)
    await clock.advance(6_000)
    expect(patience.at(-1)).toBe(600)
  })

  test('patience is whole milliseconds, whatever the clock says: timers take no others', async () => {
    const patience: number[] = []
    const { clock } = start({ roundMs: 187.333, answer: () => 'ok', patience })
    await clock.advance(3_000)
    expect(patience.filter((ms) => !Number.isInteger(ms))).toEqual([])
    expect(new Set(patience)).toContain(749)
  })

  test('what did not work before is not watched', async () => {
    const { clock, asked } = start({ baseline: 'timeout', answer: () => 'timeout' })
    await clock.advance(3_000)
    expect(asked).toEqual([])
  })

  test('of many kubelets each has its turn', async () => {
    const nodes = Array.from({ length: 40 }, (_, at) => `n${at}`)
    const { clock, asked } = start({ probes: nodes.map(kubelet), closed: nodes, answer: () => 'ok' })
    await clock.advance(2_000)
    expect(Math.max(...asked.map((one) => one.length))).toBe(16)
    expect(new Set(asked.flat()).size).toBe(40)
  })
})
