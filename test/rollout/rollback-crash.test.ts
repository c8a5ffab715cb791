import { afterEach, expect, it } from 'vitest'
import { mortal } from './mortal-api.ts'
import { felixConfiguration, init, rollBack } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const namespace = () => stage.sim.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })

/** A kept firewall, and how the cluster was before it. */
const kept = async () => {
  stage = await setStage()
  const before = { table: stage.table(), felix: felixConfiguration(stage) }
  expect(await init(stage)).toEqual({ kind: 'done' })
  return before
}

// Found by killing clients in the lab: the second rollback took the failsafes of the first change for somebody else's edit.
it('a rollback to 0 that dies after one of its writes, one in three tried, is finished by the next one, to the letter', {
  timeout: 60_000,
}, async () => {
  for (let point = 1; ; point += 3) {
    const before = await kept()
    const api = mortal(stage.api, point)
    const dying = rollBack(stage, 0, { api })
    dying.catch(() => undefined)
    for (let guard = 0; guard < 1_000 && api.writes().length < point && namespace() !== undefined; guard++) await stage.clock.advance(100)
    if (api.writes().length < point) return expect(point).toBeGreaterThan(12)
    await stage.clock.advance(30_000)
    const label = `after write ${point}, ${api.writes().at(-1)}`
    if (namespace() !== undefined) expect([label, (await rollBack(stage, 0)).outcome]).toEqual([label, { kind: 'done' }])
    await stage.clock.advance(5_000)
    expect([label, stage.leftovers(), namespace(), felixConfiguration(stage)]).toEqual([label, [], undefined, before.felix])
    expect([label, stage.table()]).toEqual([label, before.table])
    await stage.close()
  }
})

it('a rollback to 0 takes the namespace of a change that took itself back, too', async () => {
  stage = await setStage()
  const before = { table: stage.table(), felix: felixConfiguration(stage) }
  expect(await init(stage, undefined, { ask: async () => 'open' })).toMatchObject({ kind: 'rolled-back' })
  expect(namespace()).toBeDefined()
  expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
  await stage.clock.advance(5_000)
  expect([stage.leftovers(), namespace(), felixConfiguration(stage), stage.table()]).toEqual([[], undefined, before.felix, before.table])
})
