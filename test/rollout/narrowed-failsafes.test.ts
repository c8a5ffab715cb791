import { afterEach, describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import { standingOf } from '../../src/ui/status-text.ts'
import { mortal } from './mortal-api.ts'
import { felixConfiguration, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const narrowed = (from: string) => (text: string) =>
  `${text.trimEnd()}\n  narrowFailsafes:\n  - {ports: [{protocol: TCP, port: 22}, {protocol: TCP, port: 6443}], from: [${from}]}\n`
const admins = narrowed('192.168.218.170/32, 192.168.218.53/32')
const look = () => ({ table: stage.table(), felix: felixConfiguration(stage), left: stage.leftovers(), ownConfigurations: ownConfigurations() })
const ownConfigurations = () =>
  stage.sim.objects.list(v3, 'FelixConfiguration').flatMap(({ metadata }) => (metadata.name === 'default' ? [] : [metadata.name]))
const reach = (from: string, to: string, port: number) => stage.sim.reach(from, to, port)
const doors = () => ['ws1:22', 'control1:22', 'control1:6443'].map((door) => door.split(':') as [string, string])
const seenFrom = (place: string) => doors().map(([node, port]) => reach(place, node, Number(port)))

describe('failsafes that get narrower', () => {
  it('close SSH and the API to strangers, and stay open to administrators and nodes', async () => {
    stage = await setStage()
    const before = look()
    expect(await init(stage, admins)).toEqual({ kind: 'done' })
    expect(seenFrom('inet')).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    expect(seenFrom('win')).toEqual(['OPEN', 'OPEN', 'OPEN'])
    expect(seenFrom('ws2')).toEqual(['OPEN', 'OPEN', 'OPEN'])
    expect(ownConfigurations()).toEqual([])
    expect(standingOf(await situationOn(stage))).toBe('kept')
    const order = stage.progress.flatMap((event) => (event.kind === 'step' && event.step.kind === 'failsafes' ? [event.step.title] : []))
    expect(order.slice(-2)).toEqual(['narrow the failsafes on ws1.kryukov.local', 'narrow the failsafes on every node'])
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(look()).toEqual(before)
  })

  it('are a trial of the whole firewall where that is kept already, and nothing is to do the second time', async () => {
    stage = await setStage()
    expect(await init(stage)).toEqual({ kind: 'done' })
    const kept = look()
    expect(await init(stage, admins)).toEqual({ kind: 'done' })
    expect(seenFrom('inet')).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    const writes = stage.sim.requests.length
    expect(await init(stage, admins)).toEqual({ kind: 'done' })
    const again = stage.sim.requests.slice(writes).filter(({ method, path }) => method !== 'GET' && !path.includes('dryRun'))
    expect(again.filter(({ path }) => /felixconfigurations|hostendpoints|policies/.test(path))).toEqual([])
    const narrow = look()
    expect((await rollBack(stage, 1)).outcome).toEqual({ kind: 'done' })
    expect(look().table).toEqual(kept.table)
    expect(look().felix).toEqual(kept.felix)
    // Found by going there: the lists of the one node were written down as those of all.
    expect((await rollBack(stage, 2)).outcome).toEqual({ kind: 'done' })
    expect([look().table, look().felix]).toEqual([narrow.table, narrow.felix])
  })

  it('let a node that joins in by one more entry, without a trial', async () => {
    stage = await setStage()
    expect(await init(stage, admins)).toEqual({ kind: 'done' })
    stage.sim.join({ short: 'ws3', address: '192.168.218.176', controlPlane: false, podCidr: '10.233.67.0/24' })
    await stage.clock.advance(10_000)
    const from = stage.progress.length
    expect(await init(stage, admins)).toEqual({ kind: 'done' })
    expect(seenFrom('ws3')).toEqual(['OPEN', 'OPEN', 'OPEN'])
    expect(seenFrom('inet')).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    const closed = stage.progress.slice(from).flatMap((event) => (event.kind === 'step' && event.step.kind === 'write' ? event.step.closes : []))
    expect(closed).toEqual(['ws3.kryukov.local'])
  })

  it('need a right to the one worker’s own FelixConfiguration, asked for before the first write', async () => {
    stage = await setStage()
    stage.sim.deny({ verb: 'delete', resource: 'felixconfigurations', name: 'node.ws1.kryukov.local' })
    expect(await init(stage, admins)).toMatchObject({ kind: 'refused' })
    expect(stage.leftovers()).toEqual([])
  })

  it('with the operator left out open again by the gate, with the client dead', async () => {
    stage = await setStage()
    const before = look()
    const api = mortal(stage.api, (write) => write === 'mergePatch FelixConfiguration default' && seenNarrow())
    const seenNarrow = () => JSON.stringify(felixConfiguration(stage)).includes('"net"') || ownConfigurations().length > 0
    const dying = init(stage, narrowed('192.168.218.53/32'), {
      api,
      prober: { run: async (probes) => probes.map(({ id, expect: wanted }) => ({ id, outcome: wanted === 'open' ? 'ok' : 'timeout' })) },
    })
    dying.catch(() => undefined)
    for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
    expect(api.dead()).toBe(true)
    await stage.clock.advance(10_000)
    expect(seenFrom('operator')).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    await stage.clock.advance(35_000)
    expect(look().table).toEqual(before.table)
    expect(seenFrom('operator')).toEqual(['OPEN', 'OPEN', 'OPEN'])
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(look()).toEqual(before)
  })

  it('are open or kept whole, whichever write the client dies after', { timeout: 100_000 }, async () => {
    stage = await setStage()
    const whole = mortal(stage.api, Number.POSITIVE_INFINITY)
    expect(await init(stage, admins, { api: whole })).toEqual({ kind: 'done' })
    const closed = stage.table()
    const writes = whole.writes()
    await stage.close()
    const first = writes.findIndex((write) => write.includes('FelixConfiguration node.'))
    expect(first).toBeGreaterThan(0)
    for (let point = first; point < writes.length; point += 13) {
      stage = await setStage()
      const before = look()
      const api = mortal(stage.api, point)
      init(stage, admins, { api }).catch(() => undefined)
      for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
      await stage.clock.advance(40_000)
      const label = `after write ${point}, ${api.writes().at(-1)}`
      const isKept = api.writes().includes('apply GlobalNetworkPolicy calico-fw-deny')
      expect([label, stage.table()]).toEqual([label, isKept ? closed : before.table])
      expect([label, (await rollBack(stage, 0)).outcome]).toEqual([label, { kind: 'done' }])
      expect([label, look()]).toEqual([label, before])
      await stage.close()
    }
  })
})
