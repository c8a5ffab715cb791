import { describe, expect, it } from 'vitest'
import { storage, v3 } from '../../src/calico/resources.ts'
import { arm, gateJob, gatePolicy, gateSet, hostEndpoint, openScene, preDnat, threeNodes, world } from './scene.ts'

const jobRef = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'default', name: 'gate' }
const setRef = { apiVersion: v3, kind: 'NetworkSet', namespace: 'default', name: 'gate' }

/** Seconds from arming until everybody is let in again. */
const secondsFrom = (armed: number, now: number, wait: number | undefined): number => (now + (wait ?? Number.NaN) - armed) / 1000

describe('the gate: a Deny that bites only while a set exists, owned by a Job with a deadline', () => {
  it.each([
    { seconds: 15, flavour: 'native', set: v3 },
    { seconds: 10, flavour: 'native', set: v3 },
    { seconds: 10, flavour: 'aggregated', set: v3 },
    { seconds: 10, flavour: 'aggregated', set: storage },
  ] as const)(
    '$flavour, set as $set: closed after arming, open again $seconds s later with nobody touching it',
    async ({ seconds, flavour, set }) => {
      const scene = await openScene({ flavour })
      const armed = await arm(scene, seconds, { set })
      const { simulator, clock } = scene
      for (const node of threeNodes)
        expect([9100, 10_250, 31_110].map((port) => simulator.reach('inet', node, port))).toEqual(Array(3).fill('TIMEOUT'))
      expect(simulator.reach('inet', 'ws1', 22)).toBe('OPEN')
      const now = clock.now()
      const open = secondsFrom(armed, now, await scene.opensWithin(30_000))
      expect(open).toBeGreaterThan(seconds - 1)
      expect(open).toBeLessThan(seconds + 1.5)
      for (const node of threeNodes) expect([9100, 10_250, 31_110].map((port) => simulator.reach('inet', node, port))).toEqual(Array(3).fill('OPEN'))
      expect(simulator.objects.get(jobRef)).toBeUndefined()
      expect(simulator.objects.get(setRef)).toBeUndefined()
      await simulator.close()
    },
  )

  it('moves with its deadline: 8 s patched to 20 in time', async () => {
    const scene = await openScene()
    const armed = await arm(scene, 8)
    await scene.clock.advance(4_000)
    await scene.during(scene.api.mergePatch(jobRef, { spec: { activeDeadlineSeconds: 20 } }))
    const now = scene.clock.now()
    expect(secondsFrom(armed, now, await scene.opensWithin(30_000))).toBeCloseTo(20.5, 0)
    await scene.simulator.close()
  })

  it('stays closed when the Job is deleted and orphans its set, as a DELETE that does not say otherwise does', async () => {
    const scene = await openScene()
    await arm(scene, 10)
    await scene.during(scene.api.request('DELETE', '/apis/batch/v1/namespaces/default/jobs/gate'))
    expect(await scene.opensWithin(20_000)).toBeUndefined()
    expect(scene.simulator.objects.get(setRef)?.metadata.ownerReferences).toBeUndefined()
    await scene.simulator.close()
  })

  it.each([
    { how: 'the set is deleted', act: setRef, options: {} },
    { how: 'the Job is deleted with background propagation', act: jobRef, options: { propagation: 'Background' } },
    { how: 'the Job is deleted in the foreground', act: jobRef, options: { propagation: 'Foreground' } },
  ] as const)('opens at once when $how', async ({ act, options }) => {
    const scene = await openScene()
    await arm(scene, 60)
    await scene.during(scene.api.delete(act, options))
    expect(await scene.opensWithin(5_000)).toBeLessThan(1_000)
    await scene.simulator.close()
  })

  it('opens within 1.5 s of the return of a controller manager that was killed in the window', async () => {
    const scene = await openScene()
    await arm(scene, 10)
    scene.simulator.controllerManager.kill()
    expect(await scene.opensWithin(20_000)).toBeUndefined()
    scene.simulator.controllerManager.start()
    expect(await scene.opensWithin(5_000)).toBeLessThan(1_700)
    await scene.simulator.close()
  })

  it.each(['controllerManager', 'apiServer'] as const)('opens soon after the thaw of a %s frozen across the deadline', async (part) => {
    const scene = await openScene()
    await arm(scene, 10)
    scene.simulator[part].freeze()
    expect(await scene.opensWithin(20_000)).toBeUndefined()
    scene.simulator[part].thaw()
    expect(await scene.opensWithin(5_000)).toBeLessThan(1_000)
    await scene.simulator.close()
  })

  it('closes node by node when it is armed first, and one delete opens all', async () => {
    const scene = await openScene()
    const { simulator, api, during, clock } = scene
    await during(api.apply(gatePolicy))
    const job = await during(api.create(gateJob(60)))
    await during(api.create(gateSet(job.metadata.uid ?? '')))
    const seen = () => threeNodes.map((node) => simulator.reach('win', node, 9100))
    const story = [seen()]
    for (const node of threeNodes) {
      await during(api.apply(hostEndpoint(scene, node)))
      await clock.advance(500)
      story.push(seen())
    }
    await during(api.delete(setRef))
    await clock.advance(500)
    story.push(seen())
    const [open, closed] = ['OPEN', 'TIMEOUT']
    expect(story).toEqual([
      [open, open, open],
      [closed, open, open],
      [closed, closed, open],
      [closed, closed, closed],
      [open, open, open],
    ])
    await simulator.close()
  })
})

describe('behind an aggregated API that freezes across the deadline', () => {
  it('a set written as v3 keeps everything closed until it returns', async () => {
    const scene = await openScene({ flavour: 'aggregated' })
    await arm(scene, 10, { set: v3 })
    scene.simulator.aggregated.freeze()
    expect(await scene.opensWithin(30_000)).toBeUndefined()
    scene.simulator.aggregated.thaw()
    expect(await scene.opensWithin(5_000)).toBeLessThan(2_000)
    await scene.simulator.close()
  })

  it('a set written to storage opens all the same', async () => {
    const scene = await openScene({ flavour: 'aggregated' })
    const armed = await arm(scene, 10, { set: storage })
    scene.simulator.aggregated.freeze()
    const now = scene.clock.now()
    expect(secondsFrom(armed, now, await scene.opensWithin(30_000))).toBeLessThan(11.5)
    await scene.simulator.close()
  })

  it('a restarted controller manager waits half a minute for the dead group, then goes on without it', async () => {
    const scene = await openScene({ flavour: 'aggregated' })
    await arm(scene, 5, { set: storage })
    scene.simulator.aggregated.freeze()
    scene.simulator.controllerManager.kill()
    scene.simulator.controllerManager.start()
    const wait = await scene.opensWithin(60_000)
    expect(wait).toBeGreaterThan(30_000)
    expect(wait).toBeLessThan(33_000)
    await scene.simulator.close()
  })

  it('an open set created in storage opens over an unconditional Deny, and closes again when it goes', async () => {
    const scene = await openScene({ flavour: 'aggregated' })
    const { api, during, simulator, clock } = scene
    await during(api.apply(preDnat('base', 100, [{ action: 'Allow', source: { selector: "set == 'open'", namespaceSelector: 'global()' } }])))
    await during(api.apply(preDnat('deny', 500, [{ action: 'Deny' }])))
    for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
    await clock.advance(500)
    expect(simulator.reach('inet', 'ws1', 9100)).toBe('TIMEOUT')
    simulator.aggregated.freeze()
    const open = { apiVersion: storage, kind: 'GlobalNetworkSet', metadata: { name: 'open', labels: { set: 'open' } }, spec: { nets: world } }
    await during(api.create(open))
    await clock.advance(300)
    expect(simulator.reach('inet', 'ws1', 9100)).toBe('OPEN')
    await during(api.delete({ apiVersion: storage, kind: 'GlobalNetworkSet', name: 'open' }))
    await clock.advance(300)
    expect(simulator.reach('inet', 'ws1', 9100)).toBe('TIMEOUT')
    await simulator.close()
  })

  it('its calls hang while it is frozen, and fail at once when it is down', async () => {
    const { api, during, simulator } = await openScene({ flavour: 'aggregated' })
    simulator.aggregated.freeze()
    const hep = { apiVersion: v3, kind: 'HostEndpoint', name: 'x' }
    await expect(during(api.get(hep, { timeoutMs: 2_000 }))).rejects.toMatchObject({ code: 'FW_TIMEOUT' })
    simulator.aggregated.stop()
    await expect(during(api.get(hep))).rejects.toMatchObject({ code: 'FW_API' })
    expect(await during(api.get({ ...hep, apiVersion: storage }))).toBeUndefined()
    simulator.aggregated.thaw()
    expect(await during(api.get(hep))).toBeUndefined()
    await simulator.close()
  })
})
