import { beforeEach, describe, expect, it } from 'vitest'
import type { Probe, ProbeOutcome } from '../../src/firewall/probes/probes.ts'
import type { PerformContext, RunMemory } from '../../src/rollout/perform/context.ts'
import { baseline, owe, probe } from '../../src/rollout/perform/probe.ts'
import { homePlan } from '../firewall/home-plan.ts'
import { manyNodes } from '../firewall/many-nodes.ts'

const { probes, batches } = homePlan(manyNodes(1_500, 3))
const ofNode = new Map<string, Probe[]>()
for (const one of probes) {
  const node = one.node ?? ('node' in one.target ? one.target.node : '')
  ofNode.set(node, [...(ofNode.get(node) ?? []), one])
}

let asked: string[][]
let answer: (one: Probe) => ProbeOutcome
let context: PerformContext
const closed = new Set<string>()
beforeEach(async () => {
  asked = []
  closed.clear()
  answer = ({ expect: wanted, node = '' }) => (wanted === 'closed' && closed.has(node) ? 'timeout' : 'ok')
  const memory: RunMemory = { baseline: [], since: new Date(0), seen: new Map(), unanswered: new Set(), rounds: 0, owed: new Set() }
  context = {
    memory,
    subject: { probes },
    ports: {
      prober: {
        run: (round: readonly Probe[]) => {
          asked.push(round.map(({ id }) => id))
          return Promise.resolve(round.map((one) => ({ id: one.id, outcome: answer(one) })))
        },
      },
      report: () => undefined,
    },
  } as unknown as PerformContext
  await baseline(context, false)
})

/** Heartbeats aside, which are one list whatever the number. */
const largest = (): number => Math.max(...asked.map((round) => round.filter((id) => !id.startsWith('node-lease/')).length))
const look = async (): Promise<Set<string>> => {
  asked = []
  await probe(context, { closedNodes: [...closed] })
  return new Set(asked.flat())
}
const close = (nodes: readonly string[]): Promise<Set<string>> => {
  owe(context, nodes)
  for (const node of nodes) closed.add(node)
  return look()
}

describe('looking at 1,503 nodes', () => {
  it('asks everything of a batch as soon as it has closed, our own ways each time, and of the rest no more than a share', async () => {
    for (const { nodes } of batches) {
      const seen = await close(nodes)
      expect(seen).toContain('kubeconfig')
      for (const node of nodes) expect([node, (ofNode.get(node) ?? []).filter(({ id }) => !seen.has(id))]).toEqual([node, []])
      // Open probes of the batch, a share of the others, and our own ways; closed ones are fewer.
      expect(largest()).toBeLessThanOrEqual(Math.max(1_024, 5 * nodes.length + 256) + 8)
    }
  })

  it('asks the others in turn', async () => {
    for (const { nodes } of batches) await close(nodes)
    const seen = new Set<string>()
    for (let round = 0; round < 8; round++) for (const id of await look()) seen.add(id)
    expect(probes.filter(({ id }) => !seen.has(id))).toEqual([])
  })

  it('asks everything where everything closes at once', async () => {
    const seen = await close(batches.flatMap(({ nodes }) => nodes))
    expect(probes.filter((one) => !seen.has(one.id) && (one.node !== undefined || 'node' in one.target))).toEqual([])
  })

  it('finds the one node of a batch that did not close, the one whose kubelet is cut off, and counts as green what was asked', async () => {
    const last = batches.findLast(({ nodes }) => nodes.length > 100)?.nodes ?? []
    const [node = ''] = last.slice(-1)
    const cut = ofNode.get(node)?.find(({ target }) => target.kind === 'kubelet')
    const seen = await close(last.slice(0, -1))
    expect(context.memory.green).toBe(seen.size)
    answer = ({ expect: wanted, node: of = '' }) => (wanted === 'closed' && closed.has(of) && of !== node ? 'timeout' : 'ok')
    await expect(close([node])).rejects.toMatchObject({ message: expect.stringContaining(node) })
    answer = (one) => (one === cut ? 'timeout' : one.expect === 'closed' && closed.has(one.node ?? '') ? 'timeout' : 'ok')
    await expect(close([node])).rejects.toMatchObject({ message: expect.stringContaining(`the kubelet of ${node}`) })
  })
})
