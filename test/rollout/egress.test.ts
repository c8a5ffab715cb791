import { afterEach, describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import { sentencesOf, standingOf } from '../../src/ui/status-text.ts'
import { mortal } from './mortal-api.ts'
import { confirm, init, rollBack, situationOn, standing } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const limited =
  (...entries: string[]) =>
  (text: string) =>
    `${text.trimEnd()}\n  egress: [${entries.join(', ')}]\n`
const web = '{name: web, to: {nets: [0.0.0.0/0]}, traffic: [{protocol: TCP, ports: [443]}]}'
const share = '{name: share, to: {nets: [192.168.218.53/32]}, traffic: [{protocol: TCP, ports: [445]}]}'
const onlyWeb = limited(web)
const done = { kind: 'done' }
const closed = 'TIMEOUT'
const through = 'REFUSED'

/** What ws1 and a pod on it reach outside, and what nodes live on. */
const sent = () => ({
  web: stage.sim.reach('ws1', 'inet', 443),
  other: stage.sim.reach('ws1', 'inet', 80),
  share: stage.sim.reach('ws1', 'win', 445),
  pod: stage.sim.reach('app1/app1-ws1', 'inet', 80),
  api: stage.sim.reach('ws1', 'control1', 6443),
  kubelet: stage.sim.reach('control1', 'ws2', 10250),
  service: stage.sim.reach('ws1', '10.233.0.1', 443),
})
const open = { web: through, other: through, share: through, pod: through, api: 'OPEN', kubelet: 'OPEN', service: 'OPEN' }
const look = () => ({ table: stage.table(), sent: sent(), left: stage.leftovers() })
const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'calico-fw', name: 'calico-fw-lock' }
const policy = (name: string) => stage.sim.objects.get({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name })

describe('an egress allowlist', () => {
  it('lets out what it names and what nodes live on, leaves pods alone, and goes with the rollback', async () => {
    stage = await setStage()
    const before = look()
    expect(sent()).toEqual(open)
    expect(await init(stage, onlyWeb)).toEqual(done)
    expect(sent()).toEqual({ ...open, other: closed, share: closed })
    expect(standingOf(await situationOn(stage))).toBe('kept')
    expect(stage.leftovers().filter((name) => name.includes('gate'))).toEqual([])
    expect((await rollBack(stage, 0)).outcome).toEqual(done)
    expect(look()).toEqual(before)
  })

  it('of an empty list lets out only what nodes live on', async () => {
    stage = await setStage()
    expect(await init(stage, limited())).toEqual(done)
    expect(sent()).toEqual({ ...open, web: closed, other: closed, share: closed })
  })

  it('is a trial of the whole firewall where that is kept already; one more entry opens without a trial, one less is tried again', async () => {
    stage = await setStage()
    expect(await init(stage)).toEqual(done)
    const batches = async (edit: (text: string) => string) => {
      const from = stage.progress.length
      expect(await init(stage, edit)).toEqual(done)
      return stage.progress.slice(from).flatMap((event) => (event.kind === 'step' && event.step.kind === 'write' ? event.step.closes : [])).length
    }
    expect(await batches(onlyWeb)).toBe(3)
    expect(sent()).toEqual({ ...open, other: closed, share: closed })
    expect(await batches(limited(web, share))).toBe(0)
    expect(sent()).toEqual({ ...open, other: closed })
    expect(await batches(limited(share))).toBe(3)
    expect(sent()).toEqual({ ...open, web: closed, other: closed })
    // Without the word nothing is closed by it, and no trial is needed.
    expect(await batches((text) => text)).toBe(0)
    await stage.clock.advance(2_000)
    expect(sent()).toEqual(open)
    expect(policy('calico-fw-egress')).toBeUndefined()
  })

  // Found in review: the lasting list named the old run of a node that was NotReady, and cut it without a gate.
  it('comes to no node that was not tried: one that is NotReady sends what it sent', async () => {
    stage = await setStage()
    expect(await init(stage)).toEqual(done)
    const facts = async () => {
      const { nodes, ...rest } = await stage.facts()
      return { ...rest, nodes: nodes.map((node) => (node.name.startsWith('ws2') ? { ...node, ready: false } : node)) }
    }
    expect(await init({ ...stage, facts }, onlyWeb)).toEqual(done)
    await stage.clock.advance(2_000)
    expect(['ws1', 'ws2'].map((node) => stage.sim.reach(node, 'inet', 80))).toEqual([closed, through])
    expect((await situationOn(stage)).limited).toEqual([2])
  })

  // Found in review: without the Deny nothing was taken for kept, and the older list came back with no gate over it.
  it('does not come back by a rollback where somebody deleted the Deny; status says while it limits what nothing else closes', async () => {
    stage = await setStage()
    expect(await init(stage, onlyWeb)).toEqual(done)
    expect(await init(stage, limited(web, share))).toEqual(done)
    stage.sim.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'calico-fw-deny' })
    await stage.clock.advance(2_000)
    const said = sentencesOf(await situationOn(stage), stage.clock.wall()).join(' ')
    expect(said).toContain('What its nodes send is limited still')
    expect(await rollBack(stage, 1)).toMatchObject({ way: 'opens', outcome: done })
    await stage.clock.advance(2_000)
    expect(sent()).toEqual(open)
  })

  // Found in review: `confirm` wrote the list for its own run alone, and narrowed nodes that were never tried.
  it('stays as it is where a trial that had come to one node is confirmed, and so does what the file no longer allows', async () => {
    stage = await setStage()
    const exporter = (text: string) =>
      text.replace('\n  allow:\n', '\n  allow:\n  - {name: extra, to: {nodes: true}, traffic: [{protocol: TCP, ports: [9100]}]}\n')
    expect(await init(stage, (text) => exporter(limited(web, share)(text)))).toEqual(done)
    const api = mortal(stage.api, (write) => write.startsWith('apply HostEndpoint'))
    init(stage, onlyWeb, { api }).catch(() => undefined)
    for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
    await stage.clock.advance(1_500)
    stage.sim.objects.delete(lease)
    expect(await confirm(stage)).toEqual(done)
    await stage.clock.advance(2_000)
    const seen = (node: string) => [stage.sim.reach('win', node, 9100), stage.sim.reach(node, 'inet', 80), stage.sim.reach(node, 'win', 445)]
    // ws1 is in the trial's run, which no list is for yet: it sends everything until sync.
    expect(['control1', 'ws1', 'ws2'].map(seen)).toEqual([
      ['OPEN', closed, through],
      ['OPEN', through, through],
      ['OPEN', closed, through],
    ])
    expect(await init(stage, onlyWeb)).toEqual(done)
    await stage.clock.advance(2_000)
    expect(['control1', 'ws1', 'ws2'].map(seen)).toEqual(Array(3).fill([closed, closed, closed]))
  })

  it('opens with everything else, by the open set', async () => {
    stage = await setStage()
    expect(await init(stage, onlyWeb)).toEqual(done)
    stage.sim.objects.create((await stage.plan()).openSet)
    await stage.clock.advance(3_000)
    expect(sent()).toEqual(open)
  })

  it('comes back with the change that is gone back to, closed under a gate of its own', { timeout: 60_000 }, async () => {
    stage = await setStage()
    const after = new Map<number, unknown>()
    const seen = async () => {
      await stage.clock.advance(2_000)
      return { ...look(), standing: standing(stage) }
    }
    after.set(0, await seen())
    for (const [change, edit] of [onlyWeb, limited(web, share), limited(share), (text: string) => text].entries()) {
      expect(await init(stage, edit)).toEqual(done)
      after.set(change + 1, await seen())
    }
    for (const to of [1, 3, 4, 2, 0]) {
      expect([to, (await rollBack(stage, to)).outcome]).toEqual([to, done])
      expect([to, await seen()]).toEqual([to, after.get(to)])
    }
  })

  it('is open or kept whole, whichever write the client dies after', { timeout: 100_000 }, async () => {
    stage = await setStage()
    const whole = mortal(stage.api, Number.POSITIVE_INFINITY)
    expect(await init(stage, onlyWeb, { api: whole })).toEqual(done)
    const kept = look()
    const writes = whole.writes()
    await stage.close()
    const commit = writes.indexOf('apply GlobalNetworkPolicy calico-fw-deny')
    const closing = writes.findIndex((write) => write.includes('HostEndpoint'))
    expect(writes.indexOf('apply GlobalNetworkPolicy calico-fw-egress')).toBeGreaterThan(commit)
    for (const point of [closing, closing + 4, commit - 1, ...Array.from({ length: 5 }, (_, at) => commit + at)]) {
      stage = await setStage()
      const before = look()
      const api = mortal(stage.api, point)
      init(stage, onlyWeb, { api }).catch(() => undefined)
      const passing = new Set<string>()
      for (let guard = 0; guard < 3_000 && !api.dead(); guard++) {
        await stage.clock.advance(100)
        passing.add(JSON.stringify({ ...sent(), other: '', share: '' }))
      }
      await stage.clock.advance(40_000)
      const label = `after write ${point}, ${api.writes().at(-1)}`
      // What nodes live on and what the file lets out is never cut.
      expect([label, [...passing]]).toEqual([label, [JSON.stringify({ ...open, other: '', share: '' })]])
      const isKept = api.writes().includes('apply GlobalNetworkPolicy calico-fw-deny')
      const isWhole = api.writes().includes('apply GlobalNetworkPolicy calico-fw-egress')
      expect([label, sent()]).toEqual([label, isWhole ? kept.sent : open])
      if (isKept && !isWhole) {
        // The next run tries it again, under a gate; the dead client still holds the lock.
        stage.sim.objects.delete(lease)
        expect([label, await init(stage, onlyWeb)]).toEqual([label, done])
        expect([label, sent()]).toEqual([label, kept.sent])
      }
      expect([label, (await rollBack(stage, 0)).outcome]).toEqual([label, done])
      expect([label, look()]).toEqual([label, before])
      await stage.close()
    }
    stage = await setStage()
  })
})
