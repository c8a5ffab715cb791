import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject, ObjectRef } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { Api } from '../../src/cluster/api.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import { openEverything } from '../../src/rollout/perform/open.ts'
import { standingOf } from '../../src/ui/status-text.ts'
import { mortal } from './mortal-api.ts'
import { addVip, confirm, felixConfiguration, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

type Call = 'apply' | 'mergePatch' | 'delete'

/** Does something just before the first such call about the named object goes out: the client has decided, and the cluster does not know yet. */
const justBefore = (api: Api, call: Call, name: string, act: () => Promise<void> | void): Api => {
  let done = false
  const held = async (target: ObjectRef | KubeObject, ...rest: unknown[]): Promise<unknown> => {
    const isIt = ('metadata' in target ? target.metadata.name : target.name) === name && (rest.at(-1) as { dryRun?: boolean })?.dryRun !== true
    if (isIt && !done) {
      done = true
      await act()
    }
    return (api[call] as (...all: unknown[]) => unknown)(target, ...rest)
  }
  return { ...api, [call]: held }
}

const job: ObjectRef = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'calico-fw', name: 'gate-1' }
const deny: ObjectRef = { apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'calico-fw-deny' }

/** Waits until so many milliseconds after the gate's deadline, as the cluster counts it. */
const sleepPastDeadline = async (offset: number): Promise<void> => {
  const { spec, status } = stage.sim.objects.get(job) as unknown as { spec: { activeDeadlineSeconds: number }; status: { startTime: string } }
  const left = Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - stage.clock.wall().getTime()
  await stage.clock.sleep(Math.max(0, left + offset))
}

const look = () => ({ table: stage.table(), felix: felixConfiguration(stage) })

/** What a whole and undisturbed init comes to. */
let whole: Record<string, string>
beforeAll(async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  whole = stage.table()
  await stage.close()
})

/** Milliseconds after the deadline at which the write reaches the cluster; the set is collected some hundred later. */
const moments = [-1_500, 50, 4_000]

describe('confirm against expiry: the lasting Deny reaches the cluster', () => {
  it.each(moments)('%i ms after the deadline, and the firewall is kept whole or open, as the run says', async (offset) => {
    stage = await setStage()
    const before = look()
    const outcome = await init(stage, undefined, { api: justBefore(stage.api, 'apply', deny.name, () => sleepPastDeadline(offset)) })
    await stage.clock.advance(35_000)
    expect(['done', 'rolled-back']).toContain(outcome.kind)
    expect(look().table).toEqual(outcome.kind === 'done' ? whole : before.table)
    expect(standingOf(await situationOn(stage))).toBe(outcome.kind === 'done' ? 'kept' : 'none')
    if (offset < -1_000) expect(outcome.kind).toBe('done')
  })

  it('50 ms after the deadline from another machine, and the same holds', async () => {
    stage = await setStage()
    const before = look()
    expect((await init(stage, undefined, { ask: async () => 'leave' })).kind).toBe('left')
    const outcome = await confirm(stage, { api: justBefore(stage.api, 'apply', deny.name, () => sleepPastDeadline(50)) })
    await stage.clock.advance(35_000)
    expect(look().table).toEqual(outcome.kind === 'done' ? whole : before.table)
    expect(standingOf(await situationOn(stage))).not.toBe('trial')
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
  })
})

describe('renewal against expiry: the new deadline reaches the cluster', () => {
  it.each(moments)('%i ms after the old one, and the run goes on or opens', async (offset) => {
    stage = await setStage()
    const before = look()
    const outcome = await init(stage, undefined, { api: justBefore(stage.api, 'mergePatch', job.name, () => sleepPastDeadline(offset)) })
    await stage.clock.advance(35_000)
    expect(outcome.kind).toBe(offset < -1_000 ? 'done' : 'rolled-back')
    if (outcome.kind === 'rolled-back') expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
  })
})

describe('undo against a foreign edit, between its look and its write', () => {
  it('a failsafe list somebody edits then is theirs: it stays, and everything else goes', async () => {
    stage = await setStage()
    const before = look()
    const theirs = [{ protocol: 'TCP', port: 4444, net: '192.0.2.0/24' }]
    let undoing = false
    const ask = async () => {
      undoing = true
      return 'open' as const
    }
    const api: Api = {
      ...stage.api,
      mergePatch: (ref, patch, options) => {
        if (undoing && ref.kind === 'FelixConfiguration' && options?.dryRun !== true) {
          stage.sim.objects.update(ref, (live) => ({ ...live, spec: { ...(live['spec'] as object), failsafeInboundHostPorts: theirs } }))
        }
        return stage.api.mergePatch(ref, patch, options)
      },
    }
    const outcome = await init(stage, undefined, { api, ask })
    expect(outcome.kind).toBe('incomplete')
    expect((felixConfiguration(stage) as Record<string, unknown>)['failsafeInboundHostPorts']).toEqual(theirs)
    await stage.clock.advance(5_000)
    expect(look().table).toEqual(before.table)
    // What could not be put back is told, and until somebody has looked everything stays open.
    expect(stage.leftovers()).toEqual(['GlobalNetworkSet calico-fw-open'])
  })

  it('a HostEndpoint somebody replaces by one of theirs then is not deleted', async () => {
    stage = await setStage()
    const name = () => stage.sim.objects.list(v3, 'HostEndpoint').map(({ metadata }) => metadata.name)
    let replaced = ''
    const api = stage.api
    const racing: Api = {
      ...api,
      delete: (ref, options) => {
        if (ref.kind === 'HostEndpoint' && replaced === '') {
          replaced = ref.name
          const live = stage.sim.objects.get(ref) as KubeObject
          stage.sim.objects.delete(ref)
          stage.sim.objects.create({ ...live, metadata: { name: ref.name, labels: { theirs: 'yes' } } })
        }
        return api.delete(ref, options)
      },
    }
    const outcome = await init(stage, undefined, { api: racing, ask: async () => 'open' })
    expect(replaced).not.toBe('')
    expect(name()).toEqual([replaced])
    expect(['rolled-back', 'incomplete']).toContain(outcome.kind)
  })
})

describe('a client that dies between two writes', () => {
  /** Runs init with a client that dies after its n-th write that matches; undefined when there is none. */
  const dyingAfter = async (pattern: RegExp, occurrence: number): Promise<string | undefined> => {
    let seen = 0
    const api = mortal(stage.api, (write) => pattern.test(write) && ++seen === occurrence)
    const dying = init(stage, undefined, { api })
    let ended = false
    const end = () => {
      ended = true
    }
    dying.then(end, end)
    for (let guard = 0; guard < 3_000 && !ended && !api.dead(); guard++) await stage.clock.advance(100)
    return api.dead() ? api.writes().at(-1) : undefined
  }

  it('the checkpoint and what it is of: nothing closes, and the way back is whole', { timeout: 30_000 }, async () => {
    for (let occurrence = 1; ; occurrence += 2) {
      stage = await setStage()
      const before = look()
      const last = await dyingAfter(/^create ConfigMap checkpoint-/, occurrence)
      if (last === undefined) return expect(occurrence).toBeGreaterThan(3)
      await stage.clock.advance(35_000)
      expect(look().table).toEqual(before.table)
      expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
      expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
      await stage.close()
    }
  })

  it('the Deny and the disarming: it is kept, and status, confirm and rollback know it', async () => {
    stage = await setStage()
    const before = look()
    expect(await dyingAfter(/calico-fw-deny/, 1)).toBe('apply GlobalNetworkPolicy calico-fw-deny')
    await stage.clock.advance(35_000)
    expect(look().table).toEqual(whole)
    expect(standingOf(await situationOn(stage))).toBe('kept')
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
  })
})

it('a client that dies between deleting an opening and disarming leaves it closed, and status does not say that it opens by itself', async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  const before = stage.table()
  expect(await addVip(stage)).toEqual({ kind: 'done' })
  expect(stage.table()).not.toEqual(before)
  const api = mortal(stage.api, (write) => write.startsWith('delete GlobalNetworkPolicy calico-fw-allow-'))
  const dying = rollBack(stage, 1, { api })
  dying.catch(() => undefined)
  for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
  expect(api.dead()).toBe(true)
  const now = await situationOn(stage)
  expect([standingOf(now), now.gates.map(({ armed }) => armed)]).toEqual(['kept', [false]])
  await stage.clock.advance(120_000)
  expect(stage.table()).toEqual(before)
  expect(standingOf(await situationOn(stage))).toBe('kept')
})

describe('deleting the Deny: the open set opens all the same', () => {
  it('while the webhook that guards policies is gone, and the next rollback finishes', async () => {
    stage = await setStage()
    const before = look()
    expect(await init(stage)).toEqual({ kind: 'done' })
    const mended = stage.sim.webhook({ name: 'calico.example', kinds: ['GlobalNetworkPolicy'], operations: ['DELETE', 'UPDATE'], dead: true })
    expect((await rollBack(stage, 0)).outcome.kind).toBe('incomplete')
    expect(stage.table()).toEqual(before.table)
    mended()
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
  })

  it('while the aggregated API is gone, and the next rollback finishes', async () => {
    stage = await setStage({ flavour: 'aggregated' })
    const before = look()
    expect(await init(stage)).toEqual({ kind: 'done' })
    const facts = await stage.facts()
    const now = await situationOn(stage)
    stage.sim.aggregated.stop()
    await stage.clock.drive(
      openEverything(stage.api, stage.clock, {
        openSet: openSet(facts.calico.flavour),
        gate: undefined,
        untilMs: stage.clock.now() + 10_000,
        note: () => undefined,
      }),
    )
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before.table)
    expect(now.hostEndpoints.length).toBeGreaterThan(0)
    stage.sim.aggregated.thaw()
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect({ ...look(), left: stage.leftovers() }).toEqual({ ...before, left: [] })
  })
})
