import { describe, expect, it } from 'vitest'
import type { Probe, ProbeOutcome, ProbeResult } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { watchFelixes } from '../../src/rollout/perform/watch-felixes.ts'
import { watchFromNodes } from '../../src/rollout/perform/watch-from-nodes.ts'
import type { Realised } from '../../src/rollout/ports.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'

const line = (id: string): Probe => ({
  ...{ id, title: `${id} to the kubelet of ws1`, expect: 'open' },
  target: { kind: 'node-tcp', node: id, address: parseAddress('192.168.218.174'), port: 10_250 },
})

/** Follows stories of answers, one after the other. */
const told = async (baseline: ProbeOutcome, answers: readonly (readonly [string, ProbeOutcome])[]): Promise<string[]> => {
  const red: string[] = []
  const probes = [line('ws2'), line('control1')]
  await watchFromNodes({
    probes,
    baseline: probes.map(({ id }) => ({ id, outcome: baseline })),
    signal: new AbortController().signal,
    red: (sentence) => red.push(sentence),
    follow: async (_, each) => {
      for (const [id, outcome] of answers) each({ id, outcome } satisfies ProbeResult)
    },
  })
  return red
}

describe('the nodes’ own ways', () => {
  it.each([
    [
      'one lost connection is no loss',
      [
        ['ws2', 'timeout'],
        ['ws2', 'ok'],
        ['ws2', 'timeout'],
      ],
      0,
    ],
    [
      'two one after the other are, once',
      [
        ['ws2', 'timeout'],
        ['ws2', 'timeout'],
        ['ws2', 'timeout'],
      ],
      1,
    ],
    [
      'of two lines one each is none',
      [
        ['ws2', 'timeout'],
        ['control1', 'timeout'],
        ['ws2', 'ok'],
        ['control1', 'ok'],
      ],
      0,
    ],
    [
      'a refusal where there was an answer is one',
      [
        ['ws2', 'refused'],
        ['ws2', 'refused'],
      ],
      1,
    ],
    [
      'what could not be asked says nothing',
      [
        ['ws2', 'not-run'],
        ['ws2', 'not-run'],
        ['ws2', 'not-run'],
      ],
      0,
    ],
    [
      'nor does it forgive',
      [
        ['ws2', 'timeout'],
        ['ws2', 'not-run'],
        ['ws2', 'timeout'],
      ],
      1,
    ],
  ] as const)('%s', async (_, answers, count) => {
    const red = await told('ok', answers)
    expect(red).toHaveLength(count)
    if (count > 0) expect(red[0]).toContain('ws2 to the kubelet of ws1 answered before')
  })

  it('what did not answer before is not followed', async () => {
    expect(
      await told('timeout', [
        ['ws2', 'timeout'],
        ['ws2', 'timeout'],
      ]),
    ).toEqual([])
  })
})

describe('the watch over Felixes', () => {
  const watch = async (states: readonly Realised['state'][], ms: number): Promise<string[]> => {
    const clock = virtualClock()
    const stop = new AbortController()
    const red: string[] = []
    let looks = 0
    const running = watchFelixes({
      clock,
      signal: stop.signal,
      felixes: async () => [{ node: 'ws1', state: states[Math.min(looks++, states.length - 1)] ?? 'idle', sentence: `look ${looks}` }],
      red: ({ state, sentence }) => red.push(`${state}, ${sentence}`),
    })
    await clock.advance(ms)
    stop.abort()
    await clock.advance(2_000)
    await running
    return red
  }

  it.each(['stopped', 'crashing', 'down', 'cut'] as const)('one that is %s is told at the second look, within two seconds', async (state) => {
    expect(await watch(['idle', state, state], 2_000)).toEqual([`${state}, look 3`])
  })
  it('one that was seen so once is not', async () => {
    expect(await watch(['idle', 'stopped', 'idle'], 10_000)).toEqual([])
  })
  it('one that is not ready is given six seconds', async () => {
    expect(await watch(['not-ready'], 5_900)).toEqual([])
    expect(await watch(['not-ready'], 8_000)).toHaveLength(1)
  })
  it.each(['restarting', 'unseen', 'behind', 'idle'] as const)('%s is waited for', async (state) => {
    expect(await watch([state], 30_000)).toEqual([])
  })
})
