import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import { startRun } from '../../src/rollout/runner.ts'
import { checkpointsRead, nextChange } from '../../src/rollout/situation.ts'
import { confirm, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')
const more = home.replace(
  '  - {name: api-vip',
  '  - {name: x, to: {nets: [192.168.218.181/32]}, traffic: [{protocol: TCP, ports: [80]}]}\n  - {name: api-vip',
)

/** A change that is planned now and carried out after what `meanwhile` does. */
const planned = async (meanwhile: () => Promise<unknown>) => {
  const [facts, situation] = [await stage.facts(), await situationOn(stage)]
  const plan = makePlan({ firewall: parseHostFirewall(more, 'home.yaml'), facts, change: nextChange(situation), windowSeconds: 30 })
  await meanwhile()
  await stage.clock.advance(30_000)
  const subject = { facts, probes: plan.probes, checkpoints: checkpointsRead(situation) }
  return stage.clock.drive(startRun(initSteps(plan), stage.config(plan), subject, stage.ports()).ended)
}

// Found in review: it was carried out on an empty cluster, closed nothing, and said that it was kept.
it('a change that was planned before a colleague went back to 0 is not carried out', async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  const outcome = await planned(() => rollBack(stage, 0))
  expect(outcome).toMatchObject({ kind: 'refused', reason: { error: { code: 'FW_CONFLICT', message: 'earlier changes were taken away meanwhile' } } })
  expect(stage.leftovers()).toEqual([])
})

it('nor is one that was planned while another was still on trial', async () => {
  stage = await setStage()
  expect((await init(stage, undefined, { ask: async () => 'leave' })).kind).toBe('left')
  const outcome = await planned(() => confirm(stage))
  expect(outcome).toMatchObject({ kind: 'refused', reason: { error: { code: 'FW_CONFLICT', message: 'change 1 went on meanwhile' } } })
})
