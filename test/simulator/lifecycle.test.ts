import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'
import { type Partner, speaker } from './dialogue-partner.ts'
import { live, lives, setting } from './lifecycle.ts'

/** The lab lives through the same with the real kube-apiserver and kube-controller-manager. */
describe('controllers do what the real ones do', () => {
  const clock = virtualClock()
  let simulator: Simulator
  let partner: Partner
  beforeAll(async () => {
    simulator = await startSimulator({ clock, seed: homeCluster({ nodes: 3 }), tokens: { admin: 'admin' } })
    partner = { url: simulator.url, tokens: { admin: 'admin', nobody: '', bad: '' } }
    for (const step of setting) expect((await speaker(partner)(step)).code).toBe(201)
  })
  afterAll(() => simulator.close())

  it.each(lives.map((life) => [life.name, life] as const))('%s', async (_, life) => {
    await live(partner, { now: clock.now, wait: () => clock.advance(100) }, life)
  })
})
