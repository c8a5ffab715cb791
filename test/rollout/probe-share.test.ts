import { beforeEach, describe, expect, it } from 'vitest'
import type { Probe, ProbeOutcome } from '../../src/firewall/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { PerformContext, RunMemory } from '../../src/rollout/perform/context.ts'
import { baseline, forgetShown, probe } from '../../src/rollout/perform/probe.ts'

const nodes = Array.from({ length: 5_000 }, (_, at) => `w${at}`)
const address = parseAddress('192.168.218.174')
const probes: readonly Probe[] = [
  { id: 'kubeconfig', title: 'the API', target: { kind: 'kubeconfig' }, expect: 'open' },
  ...nodes.flatMap((node): Probe[] => [
    { id: `kubelet/${node}`, title: `the kubelet of ${node}`, target: { kind: 'kubelet', node }, expect: 'open', node },
    { id: `door/${node}`, title: `a door of ${node}`, target: { kind: 'tcp', address, port: 10_250 }, expect: 'closed', node },
  ]),
]

let asked: string[][]
let answer: (id: string) => ProbeOutcome
let context: PerformContext
beforeEach(() => {
  asked = []
  answer = () => 'ok'
  const memory: RunMemory = { baseline: [], since: new Date(0), seen: new Map(), rounds: 0, shown: new Set() }
  context = {
    memory,
    subject: { probes },
    ports: {
      prober: {
        run: (round: readonly Probe[]) => {
          asked.push(round.map(({ id }) => id))
          return Promise.resolve(round.map(({ id }) => ({ id, outcome: answer(id) })))
        },
      },
      report: () => undefined,
    },
  } as unknown as PerformContext
})

/** Closes these nodes and looks; `before` were closed earlier. */
const close = async (batch: readonly string[], before: readonly string[] = []): Promise<Set<string>> => {
  forgetShown(context, batch)
  asked = []
  await probe(context, { closedNodes: [...before, ...batch] })
  return new Set(asked.flat())
}
const closes = (closed: readonly string[]) => {
  const silent = new Set(closed.map((node) => `door/${node}`))
  answer = (id) => (silent.has(id) ? 'timeout' : 'ok')
}

describe('a look at 5,000 nodes', () => {
  it('asks of each kind no more than 1,024 at once, and the API each time', async () => {
    await baseline(context, false)
    closes(nodes)
    for (let round = 0; round < 12; round++) {
      asked = []
      await probe(context, { closedNodes: nodes })
      expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(1_025)
      expect(asked.flat()).toContain('kubeconfig')
    }
  })

  it('asks every node of a batch as soon as it has closed, and all the others in turn', async () => {
    await baseline(context, false)
    const [early, late] = [nodes.slice(0, 4_488), nodes.slice(4_488)]
    closes(early)
    const seen = new Set<string>()
    for (let round = 0; round < 5; round++) {
      asked = []
      await probe(context, { closedNodes: early })
      for (const id of asked.flat()) seen.add(id)
    }
    for (const node of early) expect(seen.has(`door/${node}`)).toBe(true)
    closes(nodes)
    const batch = await close(late, early)
    for (const node of late) expect([node, batch.has(`door/${node}`), batch.has(`kubelet/${node}`)]).toEqual([node, true, true])
    expect([...batch].filter((id) => early.some((node) => id === `door/${node}`))).toHaveLength(1_024 - late.length)
  })

  it('finds the one node of a batch that did not close, and counts as green what was asked', async () => {
    await baseline(context, false)
    const batch = nodes.slice(4_488)
    closes(batch)
    await close(batch)
    expect(context.memory.green).toBe(1_025 + 512)
    closes(batch.filter((node) => node !== 'w4700'))
    await expect(close(batch)).rejects.toMatchObject({ message: expect.stringContaining('a door of w4700') })
  })
})
