import { describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import { hostEndpoint, openScene, preDnat, readyCondition, type Scene, threeNodes } from './scene.ts'

const felixRef = { apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }
const defaults = [22, 179, 2379, 2380, 5473, 6443, 6666, 6667].map((port) => ({ protocol: 'TCP', port }))

const setFailsafes = ({ api, during }: Scene, inbound: readonly object[] | null) =>
  during(api.mergePatch(felixRef, { spec: { failsafeInboundHostPorts: inbound } }))

const readyOf = ({ simulator }: Scene, short: string): string | undefined => {
  const pod = simulator.objects.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'calico-system', name: `calico-node-${short}` })
  return readyCondition(pod)
}

/** A bare HostEndpoint: closes all host ports but the failsafes. */
const bare = (scene: Scene, short: string) => hostEndpoint(scene, short, { profiles: [] })

describe('Felix', () => {
  it('takes its lag to program a change, and a longer one when it is told to', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await during(api.apply(bare(scene, 'ws1')))
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await clock.advance(250)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('TIMEOUT')
    simulator.felix('ws1').setLag(5_000)
    await during(api.delete({ apiVersion: v3, kind: 'HostEndpoint', name: 'ws1-ens160' }))
    await clock.advance(4_500)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('TIMEOUT')
    await clock.advance(1_000)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await simulator.close()
  })

  it.each([
    ['freeze', 'thaw', 'frozen'],
    ['kill', 'start', 'dead'],
  ] as const)('keeps its rules through a %s, and catches up after the %s', async (stop, go, state) => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    simulator.felix('ws1')[stop]()
    expect(simulator.felix('ws1').state()).toBe(state)
    for (const node of ['ws1', 'ws2']) await during(api.apply(bare(scene, node)))
    await clock.advance(2_000)
    expect(['ws1', 'ws2'].map((node) => simulator.reach('win', node, 9100))).toEqual(['OPEN', 'TIMEOUT'])
    simulator.felix('ws1')[go]()
    await clock.advance(2_000)
    expect(['ws1', 'ws2'].map((node) => simulator.reach('win', node, 9100))).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect(simulator.unknown).toEqual([])
    await simulator.close()
  })

  it('a stale node judges by what it knows: it still lets in what the others have closed', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
    await clock.advance(500)
    simulator.felix('ws2').freeze()
    await during(api.apply(preDnat('deny', 500, [{ action: 'Deny' }])))
    await clock.advance(500)
    expect(threeNodes.map((node) => simulator.reach('win', node, 9100))).toEqual(['TIMEOUT', 'TIMEOUT', 'OPEN'])
    expect(simulator.reach('ws1', 'ws2', 10_250)).toBe('OPEN')
    expect(simulator.reach('ws2', 'ws1', 10_250)).toBe('TIMEOUT')
    await simulator.close()
  })
})

describe('failsafe edits', () => {
  it('one more port restarts every Felix once; rules stay meanwhile, and the pods are not ready for some seconds', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await during(api.apply(bare(scene, 'ws1')))
    await clock.advance(500)
    await setFailsafes(scene, [...defaults, { protocol: 'TCP', port: 9100 }])
    await clock.advance(1_000)
    expect(threeNodes.map((node) => [simulator.felix(node).state(), readyOf(scene, node)])).toEqual(Array(3).fill(['restarting', 'False']))
    expect(simulator.reach('win', 'ws1', 9100)).toBe('TIMEOUT')
    await clock.advance(9_000)
    expect(threeNodes.map((node) => [simulator.felix(node).state(), readyOf(scene, node)])).toEqual(Array(3).fill(['running', 'True']))
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await simulator.close()
  })

  it.each([
    { what: 'an SCTP entry', entry: { protocol: 'SCTP', port: 7443 }, state: 'stuck' },
    { what: 'an entry without protocol', entry: { port: 7443 }, state: 'stuck' },
    { what: 'a net that is none', entry: { protocol: 'TCP', port: 7443, net: '10.0.0.0/99' }, state: 'crash-looping' },
  ])('$what is stored, and no Felix programs anything until it is mended', async ({ entry, state }) => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await setFailsafes(scene, [...defaults, entry])
    await clock.advance(2_000)
    expect(threeNodes.map((node) => [simulator.felix(node).state(), readyOf(scene, node)])).toEqual(Array(3).fill([state, 'False']))
    await during(api.apply(bare(scene, 'ws1')))
    await clock.advance(30_000)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await setFailsafes(scene, null)
    await clock.advance(3_000)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await clock.advance(2_500)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('TIMEOUT')
    expect(simulator.felix('ws1').state()).toBe('running')
    await simulator.close()
  })

  it('the aggregated API refuses an entry without protocol, and takes SCTP all the same', async () => {
    const scene = await openScene({ flavour: 'aggregated' })
    await expect(setFailsafes(scene, [{ port: 7443 }])).rejects.toMatchObject({ code: 'FW_INVALID' })
    await setFailsafes(scene, [{ protocol: 'SCTP', port: 7443 }])
    await scene.clock.advance(2_000)
    expect(scene.simulator.felix('ws1').state()).toBe('stuck')
    await scene.simulator.close()
  })

  it('a node’s own configuration overrules the global one', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    for (const node of ['ws1', 'ws2']) await during(api.apply(bare(scene, node)))
    const own = {
      apiVersion: v3,
      kind: 'FelixConfiguration',
      metadata: { name: 'node.ws1.kryukov.local' },
      spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 9100 }] },
    }
    await during(api.create(own))
    await clock.advance(15_000)
    expect(['ws1', 'ws2'].map((node) => [22, 9100].map((port) => simulator.reach('win', node, port)))).toEqual([
      ['TIMEOUT', 'OPEN'],
      ['OPEN', 'TIMEOUT'],
    ])
    await simulator.close()
  })
})
