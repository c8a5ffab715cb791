import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { refOf } from '../../src/calico/object.ts'
import type { Api } from '../../src/cluster/api.ts'
import { parseHostFirewall } from '../../src/firewall/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan-maker.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import { dropOpenSet } from '../../src/rollout/perform/open.ts'
import { type Run, startRun } from '../../src/rollout/runner.ts'
import { init } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')

let stage: Stage
afterEach(() => stage.close())

/** A kept firewall that `open` has opened, about to be closed again by a client whose DELETE of the open set goes another way. */
const reclosing = async (remove: (send: () => Promise<boolean>) => Promise<boolean>): Promise<{ run: Run; before: Record<string, string> }> => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  const { openSet } = await stage.plan()
  await stage.clock.drive(stage.api.apply(openSet))
  await stage.clock.advance(3_000)
  const facts = await stage.facts()
  // As the command plans it: what is open is kept by nothing.
  const unkept = { ...facts, policies: facts.policies.filter(({ metadata }) => metadata.name !== 'calico-fw-deny') }
  const plan = makePlan({ firewall: parseHostFirewall(home, 'home.yaml'), facts: unkept, change: 2, windowSeconds: 30 })
  let first = true
  const api: Api = {
    ...stage.api,
    delete: (ref, options) => {
      if (ref.name !== openSet.metadata.name || !first) return stage.api.delete(ref, options)
      first = false
      return remove(() => stage.api.delete(ref, options))
    },
  }
  const before = stage.table()
  const run = startRun(
    initSteps(plan, { opened: true }),
    { ...stage.config(plan), opened: true },
    { facts, probes: plan.probes },
    stage.ports({ api }),
  )
  return { run, before }
}

// Found in review: it landed after the undo had opened, and what the older firewall closes was closed for good, without anybody's word.
it('a DELETE of the open set that is under way when the run turns round closes nothing when it lands', async () => {
  let turn = (): void => undefined
  const { run, before } = await reclosing(async (send) => {
    turn()
    await stage.clock.sleep(1_000)
    return send()
  })
  turn = () => run.interrupt('open')
  expect((await stage.clock.drive(run.ended)).kind).toBe('rolled-back')
  await stage.clock.advance(40_000)
  expect(stage.table()).toEqual(before)
})

it('nor does one that got no answer and lands later', async () => {
  const { run, before } = await reclosing((send) => {
    void stage.clock
      .sleep(3_000)
      .then(send)
      .catch(() => undefined)
    return Promise.reject(new Error('no answer'))
  })
  expect((await stage.clock.drive(run.ended)).kind).toBe('rolled-back')
  await stage.clock.advance(40_000)
  expect(stage.table()).toEqual(before)
})

it('an open set that somebody writes while it is dropped stays', async () => {
  stage = await setStage()
  const { openSet } = await stage.plan()
  const ref = refOf(openSet)
  const write = (at: string) => stage.clock.drive(stage.api.apply({ ...openSet, metadata: { ...openSet.metadata, annotations: { at } } }))
  await write('first')
  const api: Api = {
    ...stage.api,
    get: async (of, options) => {
      const found = await stage.api.get(of, options)
      await stage.api.apply({ ...openSet, metadata: { ...openSet.metadata, annotations: { at: 'second' } } })
      return found
    },
  }
  await expect(stage.clock.drive(dropOpenSet(api, ref))).rejects.toMatchObject({ code: 'FW_CONFLICT' })
  expect(stage.sim.objects.get(ref)?.metadata.annotations).toEqual({ at: 'second' })
  await stage.clock.drive(dropOpenSet(stage.api, ref))
  // One that is gone is not deleted blindly: whoever writes it in between keeps it.
  const deletes: string[] = []
  await dropOpenSet({ ...stage.api, get: async () => undefined, delete: async ({ name }) => deletes.push(name) > 0 }, ref)
  expect([stage.sim.objects.get(ref), deletes]).toEqual([undefined, []])
})
