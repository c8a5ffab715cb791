import { afterEach, describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import type { Checkpoint } from '../../src/rollout/checkpoint.ts'
import { readCheckpoints } from '../../src/rollout/perform/checkpoint-store.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const closedPorts = [10250, 9100, 31999, 31110, 31852]

describe('init on the home cluster', () => {
  it('closes what should be closed, keeps what should stay open, and leaves no gate behind', async () => {
    stage = await setStage()
    const before = stage.table()
    const accepted = { unseen: ['webhooks'], hostFirewalls: ['ws1.kryukov.local'] } as const
    const saved: Checkpoint[] = []
    const journal = {
      saveCheckpoint: async (_uid: string, _number: string, document: unknown) => void saved.push(document as Checkpoint),
      appendHistory: async () => undefined,
    }
    const run = await stage.init({ accepted, ports: { journal } })
    const outcome = await stage.clock.drive(run.ended)
    expect(outcome).toEqual({ kind: 'done' })
    expect(saved.length).toBeGreaterThan(2)
    for (const checkpoint of saved) expect(checkpoint.accepted).toEqual(accepted)
    expect((await stage.clock.drive(readCheckpoints(stage.api))).checkpoints[0]?.accepted).toEqual(accepted)
    const after = stage.table()
    for (const from of ['win', 'inet']) {
      for (const node of ['control1', 'ws1', 'ws2']) {
        for (const port of closedPorts) expect([from, node, port, after[`${from} -> ${node}:${port}`]]).toEqual([from, node, port, 'TIMEOUT'])
        expect(after[`${from} -> ${node}:22`]).toBe(before[`${from} -> ${node}:22`])
      }
      for (const vip of ['192.168.218.180:80', '192.168.218.180:443', '192.168.218.189:7443']) expect(after[`${from} -> ${vip}`]).toBe('OPEN')
    }
    const inside = Object.keys(before).filter((row) => row.startsWith('ws1') || row.startsWith('app1/'))
    for (const row of inside) expect([row, after[row]]).toEqual([row, before[row]])
    expect(stage.sim.objects.list('batch/v1', 'Job', 'calico-fw')).toEqual([])
    expect(stage.sim.objects.list(v3, 'NetworkSet', 'calico-fw')).toEqual([])
    expect(stage.sim.unknown).toEqual([])
  })
})

// Found in review: a way that failed before counted as failing since before when it fell silent, and the deadline was renewed without any way to the API left.
it('init writes nothing where no new connection to the API answers', async () => {
  stage = await setStage()
  const ports = stage.ports()
  const prober: typeof ports.prober = {
    run: async (probes, options) =>
      (await ports.prober.run(probes, options)).map((result) =>
        /^(kubeconfig|api\/)/.test(result.id) ? { id: result.id, outcome: 'failed' } : result,
      ),
  }
  const outcome = await stage.clock.drive((await stage.init({ ports: { prober } })).ended)
  expect(outcome).toMatchObject({ kind: 'refused', reason: { error: { code: 'FW_PREFLIGHT', message: 'no new connection to the API answers' } } })
  expect(stage.leftovers()).toEqual([])
})
