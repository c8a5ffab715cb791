import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { rollbackTarget } from '../../src/rollout/changes.ts'
import { finishOfTrial } from '../../src/rollout/confirm-steps.ts'
import { outcomeError } from '../../src/ui/outcome-text.ts'
import { confirm, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')
const withoutIngress = (text: string): string => text.replace(/^ *- \{name: ingress.*\n/m, '')
const narrow = (text: string): string =>
  `${text.trimEnd()}\n  narrowFailsafes:\n  - {ports: [{protocol: TCP, port: 22}], from: [192.168.218.170/32]}\n`

// Found in review: it said that the cluster was as before and wrote so down; the rollback that was advised then took back the kept firewall as well.
it('a confirm that is declined says that everything is open, and rollback takes back that trial alone', async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  const kept = stage.table()
  expect((await init(stage, withoutIngress, { ask: async () => 'leave' })).kind).toBe('left')
  const outcome = await confirm(stage, { ask: async () => 'open' })
  expect(outcomeError(outcome)).toMatchObject({ message: 'the change was not kept, and everything is open' })
  expect(stage.sim.reach('inet', 'ws1', 10250)).toBe('OPEN')
  const { changes } = await situationOn(stage)
  expect(changes.map(({ number, end, inForce }) => [number, end?.outcome, inForce])).toEqual([
    [1, 'done', true],
    [2, undefined, true],
  ])
  expect(rollbackTarget(changes)).toBe(1)
  expect((await rollBack(stage, 1)).outcome).toEqual({ kind: 'done' })
  await stage.clock.advance(2_000)
  expect(stage.table()).toEqual(kept)
})

describe('a client that stops while failsafes get narrower', () => {
  const stoppedAt = async (title: string) => {
    stage = await setStage()
    const run = await stage.init({
      plan: makePlan({ firewall: parseHostFirewall(narrow(home), 'home.yaml'), facts: await stage.facts(), change: 1, windowSeconds: 60 }),
      ports: { report: (event) => event.kind === 'step' && event.step.title.startsWith(title) && run.interrupt('leave') },
    })
    expect((await stage.clock.drive(run.ended)).kind).toBe('left')
    return makePlan({ firewall: parseHostFirewall(narrow(home), 'home.yaml'), facts: await stage.facts(), change: 1, windowSeconds: 60 })
  }

  // Found in review: confirm kept it, and said that nothing was left to do, with SSH as open as before.
  it('before they are, leaves something to do after a confirm', async () => {
    const plan = await stoppedAt('before narrowing')
    expect(finishOfTrial(plan, await situationOn(stage))).toBeUndefined()
  })

  // Found in review: by then nothing is left to narrow by the file, and confirm did not look for the lists of one node.
  it('after they are, leaves the lists of one node, which confirm refuses', async () => {
    const plan = await stoppedAt('probe with them narrow on every node')
    expect(plan.narrowing).toBeUndefined()
    const own = stage.sim.objects.list('projectcalico.org/v3', 'FelixConfiguration').map(({ metadata }) => metadata.name)
    expect(own.filter((name) => name.startsWith('node.'))).toHaveLength(1)
  })
})
