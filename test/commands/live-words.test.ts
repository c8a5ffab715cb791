import { describe, expect, it, onTestFinished } from 'vitest'
import { openStage, type Stage } from './stage.ts'

const setUp = async (): Promise<Stage> => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  return stage
}
const complete = async (stage: Stage, ...words: string[]): Promise<string[]> => {
  const { code, stdout, stderr } = await stage.run(['__complete', ...words])
  expect([code, stderr]).toEqual([0, ''])
  return stdout.trimEnd().split('\n')
}

describe('completion from the cluster', () => {
  it('knows nodes, interfaces and contexts', { timeout: 20_000 }, async () => {
    const stage = await setUp()
    // Silence is an answer where 300 ms were not enough, as beside other tests.
    const words = (...typed: string[]) => expect.poll(() => complete(stage, ...typed), { timeout: 5_000 })
    await words('explain', '--via', 'ws').toEqual(['ws1', 'ws2', 'ws3', 'ws4'].map((name) => `${name}.kryukov.local\t`).concat(':4'))
    await words('init', '--interface', '').toEqual(['ens160\ton 5 nodes', ':4'])
    await words('status', '--context', '').toEqual([expect.stringMatching(/^kubernetes-admin@/), ':4'])
    expect(await complete(stage, 'history', '')).toEqual([':4'])
    // Found in review: a VLAN was offered with its parent, a name that Felix does not know.
    stage.simulator.objects.update({ apiVersion: 'v1', kind: 'Node', name: 'ws1.kryukov.local' }, (node) => ({
      ...node,
      metadata: {
        ...node.metadata,
        annotations: { ...node.metadata.annotations, 'projectcalico.org/Interfaces': '[{"name":"ens160.100@ens160","addresses":[]}]' },
      },
    }))
    await words('init', '--interface', '').toEqual(['ens160\ton 4 nodes', 'ens160.100\ton 1 node', ':4'])
  })

  it('is silent within its time where the cluster does not answer, or nobody knows one', { timeout: 20_000 }, async () => {
    const stage = await setUp()
    stage.simulator.apiServer.freeze()
    const began = performance.now()
    expect(await complete(stage, 'explain', '--via', '')).toEqual([':4'])
    expect(performance.now() - began).toBeLessThan(2_000)
    stage.simulator.apiServer.thaw()
    stage.files.set('/kubeconfig', 'not: [a kubeconfig')
    expect(await complete(stage, 'explain', '--via', '')).toEqual([':4'])
    expect(await complete(stage, 'status', '--context', '')).toEqual([':4'])
  })
})
