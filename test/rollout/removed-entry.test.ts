import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { refOf } from '../../src/calico/object.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { standingOf } from '../../src/ui/status-text.ts'
import { mortal } from './mortal-api.ts'
import { confirm, felixConfiguration, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')

let stage: Stage
afterEach(() => stage.close())

/** The home file without its entry for the ingress. */
const withoutIngress = (text: string): string => text.replace(/^ *- \{name: ingress.*\n/m, '')

/** A kept firewall with the entry, and the table of before anything. */
const kept = async () => {
  stage = await setStage()
  const before = { table: stage.table(), felix: felixConfiguration(stage) }
  expect(await init(stage)).toEqual({ kind: 'done' })
  return before
}

it('an allow entry that is taken away stays allowed until it is confirmed, whichever write the client dies after', { timeout: 120_000 }, async () => {
  await kept()
  const allowed = stage.table()
  const whole = mortal(stage.api, Number.POSITIVE_INFINITY)
  expect(await init(stage, withoutIngress, { api: whole })).toEqual({ kind: 'done' })
  const closed = stage.table()
  const rows = Object.keys(allowed).filter((row) => allowed[row] !== closed[row])
  expect(rows).toEqual(expect.arrayContaining(['inet -> 192.168.218.180:80', 'inet -> 192.168.218.180:443']))
  await stage.close()

  for (let point = 1; point < whole.writes().length; point += 7) {
    const before = await kept()
    const api = mortal(stage.api, point)
    const dying = init(stage, withoutIngress, { api })
    dying.catch(() => undefined)
    for (let guard = 0; guard < 2_000 && !api.dead(); guard++) {
      await stage.clock.advance(200)
      expect(['OPEN', 'TIMEOUT']).toContain(stage.sim.reach('inet', '192.168.218.180', 80))
    }
    const label = `after write ${point}, ${api.writes().at(-1)}`
    await stage.clock.advance(35_000)
    const isKept = JSON.stringify(stage.sim.objects.get(refOf(denyPolicy([1])))).includes("'2'")
    const seen = stage.table()
    for (const row of Object.keys(seen)) {
      // What a trial that ran out had taken over is open, as before this tool.
      const may = isKept ? [closed[row]] : rows.includes(row) ? [allowed[row]] : [allowed[row], before.table[row]]
      expect([label, row, may]).toEqual([label, row, expect.arrayContaining([seen[row]])])
    }
    expect([label, standingOf(await situationOn(stage))]).not.toEqual([label, 'trial'])
    expect([label, (await rollBack(stage, 0)).outcome]).toEqual([label, { kind: 'done' }])
    expect([label, stage.table(), felixConfiguration(stage), stage.leftovers()]).toEqual([label, before.table, before.felix, []])
    await stage.close()
  }
})

it('and is closed once it is confirmed from another machine', async () => {
  await kept()
  expect((await init(stage, withoutIngress, { ask: async () => 'leave' })).kind).toBe('left')
  expect(await confirm(stage)).toEqual({ kind: 'done' })
  await stage.clock.advance(2_000)
  expect(stage.sim.reach('inet', '192.168.218.180', 80)).toBe('TIMEOUT')
  expect(stage.leftovers().filter((name) => name.includes('gate') || name.includes('allow-ingress'))).toEqual([])
  expect(standingOf(await situationOn(stage))).toBe('kept')
})

// Found in review: nothing was on trial, so the entry was deleted at once, for good and without a question.
it('an allow entry is not taken away while every closed node is NotReady: nothing could try it', async () => {
  stage = await setStage()
  const onWs1 = (text: string) => text.replace('nodeSelector: {}', 'nodeSelector: {matchLabels: {kubernetes.io/hostname: ws1.kryukov.local}}')
  expect(await init(stage, onWs1)).toEqual({ kind: 'done' })
  const facts = await stage.facts()
  const ill = { ...facts, nodes: facts.nodes.map((node) => ({ ...node, ready: node.ready && node.name !== 'ws1.kryukov.local' })) }
  const planned = (edit: (text: string) => string) => () =>
    makePlan({ firewall: parseHostFirewall(onWs1(edit(home)), 'home.yaml'), facts: ill, change: 2, windowSeconds: 30 })
  expect(planned(withoutIngress)).toThrow('no node is Ready to try on what this file takes away')
  expect(planned((text) => text)).not.toThrow()
})
