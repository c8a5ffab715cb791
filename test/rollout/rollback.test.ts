import { afterEach, describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import type { Progress } from '../../src/rollout/ports.ts'
import { standingOf } from '../../src/ui/status-text.ts'
import { addVip, felixConfiguration, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

/** The home firewall, kept. */
const kept = async () => {
  stage = await setStage()
  const before = { table: stage.table(), felix: felixConfiguration(stage) }
  expect(await init(stage)).toEqual({ kind: 'done' })
  return { before }
}

describe('rollback', () => {
  it('to 0 opens everything and leaves nothing of ours, the failsafes as they were', async () => {
    const { before } = await kept()
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before.table)
    expect(felixConfiguration(stage)).toEqual(before.felix)
    expect(stage.leftovers()).toEqual([])
    expect(stage.sim.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })).toBeUndefined()
  })

  it('deletes the FelixConfiguration it had to create, although the server filled in defaults', async () => {
    stage = await setStage()
    stage.sim.objects.delete({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })
    expect(await stage.clock.drive((await stage.init()).ended)).toEqual({ kind: 'done' })
    expect(felixConfiguration(stage)).toMatchObject({ nftablesMode: 'Auto' })
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(felixConfiguration(stage)).toBeUndefined()
  })

  it('of a kept firewall opens by the open set, which its own Deny does not close; HostEndpoints go when it is seen open', async () => {
    await kept()
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(stage.progress.flatMap((event) => (event.kind === 'note' ? [event.text] : []))).toEqual(['created GlobalNetworkSet calico-fw-open'])
    expect(stage.sim.requests.filter(({ method, path }) => method === 'DELETE' && path.includes('/hostendpoints?'))).toEqual([])
  })

  it('of add-vip closes on trial exactly what it opened, and is itself a numbered change', async () => {
    await kept()
    const closed = stage.table()
    expect(await addVip(stage)).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual({ ...closed, 'win -> ws1:31110': 'OPEN' })
    expect((await rollBack(stage, 1)).outcome).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(closed)
    const now = await situationOn(stage)
    expect(now.changes.map(({ number, undoes, undoneBy }) => ({ number, undoes, undoneBy }))).toEqual([
      { number: 1, undoes: [], undoneBy: undefined },
      { number: 2, undoes: [], undoneBy: 3 },
      { number: 3, undoes: [2], undoneBy: undefined },
    ])
    expect(now.gates).toEqual([])
  })

  it('to 0 takes add-vip with it', async () => {
    const { before } = await kept()
    await addVip(stage)
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before.table)
    expect(stage.leftovers()).toEqual([])
  })

  it('leaves failsafes alone that somebody edited since, says so, and everything else is back', async () => {
    const { before } = await kept()
    const edited = [{ protocol: 'TCP', port: 22 }]
    stage.sim.objects.update({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }, (object) => ({
      ...object,
      spec: {
        ...(object['spec'] as object),
        failsafeInboundHostPorts: [...edited, { protocol: 'TCP', port: 6443 }, { protocol: 'TCP', port: 7443 }],
      },
    }))
    await stage.clock.advance(15_000)
    const outcome = (await rollBack(stage, 0)).outcome
    expect(outcome).toMatchObject({
      kind: 'incomplete',
      remaining: [{ title: 'restore failsafe ports' }, { title: 'verify objects and probes' }, {}],
    })
    // What could not be put back keeps the cluster open rather than closed.
    expect(stage.table()).toEqual(before.table)
  })
})

// Found in review: an admission webhook that goes down at the question refused every DELETE, the gate's own among them, and the opening stayed closed.
it('of an opening, with DELETE refused from its question on: not kept, it opens by the set’s label', async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual({ kind: 'done' })
  expect(await addVip(stage)).toEqual({ kind: 'done' })
  const before = stage.table()
  const ask = async () => {
    stage.sim.webhook({ name: 'policy.example', kinds: ['NetworkSet', 'GlobalNetworkPolicy', 'Job'], operations: ['DELETE'], dead: true })
    return 'open' as const
  }
  expect(await rollBack(stage, 1, { ask })).toMatchObject({ way: 'closes', outcome: { kind: 'incomplete' } })
  await stage.clock.advance(5_000)
  expect(stage.table()).toEqual(before)
})

// Found in review: it refused to open anything, on every node.
it('opens although a Felix is ill', async () => {
  await kept()
  const sick = [{ node: 'ws1.kryukov.local', state: 'stopped' as const, sentence: 'Felix on ws1.kryukov.local is stopped' }]
  await rollBack(stage, 0, { realised: async () => sick, felixes: async () => sick })
  await stage.clock.advance(2_000)
  expect(stage.sim.reach('inet', 'ws2', 9100)).toBe('OPEN')
})

describe('a node whose Felix stands still', () => {
  // Found in review: it said "Done" while the node was closed, for what was cut before the rollback counted as cut by somebody else.
  it('is not told as open again by a rollback', async () => {
    await kept()
    stage.sim.felix('ws1').freeze()
    const { outcome } = await rollBack(stage, 0)
    expect(stage.sim.reach('win', 'ws1', 10250)).toBe('TIMEOUT')
    expect(stage.sim.reach('win', 'ws2', 10250)).toBe('OPEN')
    expect(outcome).toMatchObject({ kind: 'incomplete', remaining: [{ error: { message: expect.stringContaining('ws1.kryukov.local') } }, {}] })
    stage.sim.felix('ws1').thaw()
    await stage.clock.advance(2_000)
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(stage.leftovers()).toEqual([])
  })

  it('is not told as open again by a run that turned round', async () => {
    stage = await setStage()
    const ask = async () => {
      stage.sim.felix('ws1').freeze()
      return 'open' as const
    }
    const verified = { title: 'verify objects and probes', error: { message: expect.stringContaining('ws1.kryukov.local') } }
    expect(await init(stage, undefined, { ask })).toMatchObject({ kind: 'incomplete', remaining: [verified, { title: 'remove the open set' }] })
  })
})

// Found in review: it was told as a widening, and closed the port on every node without a question.
it('that takes a failsafe away is tried under a gate', async () => {
  await kept()
  const withPort = (text: string) => text.replace('inbound: [', 'inbound: [{protocol: TCP, port: 9100}, ')
  expect(await init(stage, withPort)).toEqual({ kind: 'done' })
  await stage.clock.advance(2_000)
  expect(stage.sim.reach('inet', 'ws1', 9100)).toBe('OPEN')
  const { outcome, way, steps } = await rollBack(stage, 1)
  expect([outcome, way, steps.some(({ kind }) => kind === 'ask')]).toEqual([{ kind: 'done' }, 'closes-again', true])
  await stage.clock.advance(2_000)
  expect(stage.sim.reach('inet', 'ws1', 9100)).toBe('TIMEOUT')
  expect((await rollBack(stage, 2)).way).toBe('widens')
})

describe('a gate that was on trial', () => {
  const withoutIngress = (text: string): string => text.replace(/^ *- \{name: ingress.*\n/m, '')
  const leftArmed = async () => {
    await kept()
    expect((await init(stage, withoutIngress, { ask: async () => 'leave' })).kind).toBe('left')
    expect(stage.sim.reach('inet', '192.168.218.180', 443)).toBe('TIMEOUT')
  }
  const nothingArmed = async () => {
    await stage.clock.advance(600_000)
    expect(stage.sim.reach('inet', '192.168.218.180', 443)).toBe('OPEN')
    expect((await situationOn(stage)).gates).toEqual([])
  }

  // Found in review: it came back without the Job that owned it, and would have held the nodes closed for good.
  it('is not put back where its rollback is not kept', async () => {
    await leftArmed()
    expect((await rollBack(stage, 1, { ask: async () => 'open' })).outcome.kind).toBe('rolled-back')
    await nothingArmed()
  })

  it('is not put back by a rollback to its change', async () => {
    await leftArmed()
    expect((await rollBack(stage, 1)).outcome).toEqual({ kind: 'done' })
    expect((await rollBack(stage, 2)).outcome.kind).toBe('done')
    await nothingArmed()
  })

  it('is not put back where its Job was gone before its set', async () => {
    await leftArmed()
    let step = ''
    const get: typeof stage.api.get = async (ref, options) =>
      ref.kind === 'Job' && ref.name === 'gate-2' && step.startsWith('before rolling back') ? undefined : stage.api.get(ref, options)
    const report = (event: Progress) => {
      if (event.kind === 'step') step = event.step.title
    }
    await rollBack(stage, 1, { api: { ...stage.api, get }, ask: async () => 'open', report })
    await nothingArmed()
  })
})

// Found in review: it was told as expired and open while every node was closed, and could not be confirmed.
it('that deletes an opening on the way and closes again is on trial while its gate stands', async () => {
  await kept()
  const withMore = (text: string) =>
    text
      .replace('trustedNets: [10.233.0.0/16]', 'trustedNets: [10.233.0.0/16, 10.9.0.0/16]')
      .replace('  - {name: api-vip', '  - {name: two, to: {nets: [192.168.218.181/32]}, traffic: [{protocol: TCP, ports: [80]}]}\n  - {name: api-vip')
  expect(await init(stage, withMore)).toEqual({ kind: 'done' })
  expect(await rollBack(stage, 1, { ask: async () => 'leave' })).toMatchObject({ way: 'closes-again', outcome: { kind: 'left' } })
  const now = await situationOn(stage)
  expect([standingOf(now), now.gates.map(({ change, armed }) => [change, armed])]).toEqual(['trial', [[3, true]]])
})
