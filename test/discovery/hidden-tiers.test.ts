import { afterEach, expect, it } from 'vitest'
import { type Stage, setStage } from '../rollout/stage.ts'

let stage: Stage
afterEach(() => stage.close())

const hidden = async () => (await stage.facts()).unseen.filter(({ what }) => what.startsWith('globalnetworkpolicies'))

it.each([
  { verb: 'list', resource: 'tier.globalnetworkpolicies' },
  { verb: 'get', resource: 'tiers' },
])('policies Calico hides from who may not $verb $resource are not taken for absent', async (denial) => {
  stage = await setStage({ flavour: 'aggregated' })
  expect(await hidden()).toEqual([])
  stage.sim.deny(denial)
  expect(await hidden()).toMatchObject([{ kind: 'policies', what: 'globalnetworkpolicies of some tiers' }])
})

it('where Calico’s objects are the API server’s own, nothing hides them', async () => {
  stage = await setStage({ flavour: 'native' })
  stage.sim.deny({ verb: 'list', resource: 'tier.globalnetworkpolicies' })
  expect(await hidden()).toEqual([])
})
