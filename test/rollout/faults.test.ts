import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { FwError } from '../../src/errors.ts'
import type { Outcome } from '../../src/rollout/state.ts'
import { onStep, type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

/** A policy of somebody else's that closes what our HostEndpoints protect, and that no gate can undo. */
const hostile: KubeObject = {
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name: 'lockdown', labels: { 'projectcalico.org/tier': 'default' } },
  spec: { tier: 'default', order: 1, selector: 'all()', types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress: [{ action: 'Deny' }] },
}

const felixConfiguration = () => stage.sim.objects.get({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })?.['spec']

const codeOf = (outcome: Outcome): string | undefined =>
  'reason' in outcome && outcome.reason.error instanceof FwError ? outcome.reason.error.code : undefined

describe('a run that must turn round leaves the table, the objects and the failsafes of before', () => {
  const cases: readonly [string, (sim: Stage['sim']) => void, RegExp, string | undefined][] = [
    ['a foreign policy planted after stage 2', (sim) => void sim.objects.create(hostile), /probe with worker ws1.* closed/, undefined],
    [
      'a foreign policy seen before the second batch',
      (sim) => void sim.objects.create({ ...hostile, spec: { ...(hostile['spec'] as object), selector: 'has(nothing) || all()' } }),
      /renew the deadline/,
      'FW_FOREIGN',
    ],
    [
      'a HostEndpoint write that hangs and lands all the same',
      (sim) => void sim.faults.add({ method: 'PATCH', path: /hostendpoints/, harm: { kind: 'hang' }, after: true }),
      /arm the gate/,
      'FW_TIMEOUT',
    ],
    [
      'an API that answers 503 to the commit',
      (sim) => void sim.faults.add({ method: 'PATCH', path: /calico-fw-deny/, harm: { kind: 'status', code: 503 } }),
      /keep the firewall/,
      undefined,
    ],
  ]
  it.each(cases)('%s', async (_name, act, title, code) => {
    stage = await setStage()
    const before = stage.table()
    const felix = felixConfiguration()
    const run = await stage.init({ ports: onStep(title, () => act(stage.sim)) })
    const outcome = await stage.clock.drive(run.ended)
    stage.sim.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'lockdown' })
    await stage.clock.advance(2_000)
    expect(outcome.kind).toBe('rolled-back')
    if (code !== undefined) expect(codeOf(outcome)).toBe(code)
    expect(stage.table()).toEqual(before)
    expect(felixConfiguration()).toEqual(felix)
    expect(stage.leftovers()).toEqual([])
  })
})

describe('the cluster opens by itself', () => {
  const closed = /probe with worker ws2.* closed/

  it('within five seconds of a frozen controller-manager coming back, with no client alive', async () => {
    stage = await setStage()
    const before = stage.table()
    const dead = new Promise<never>(() => undefined)
    let killed = false
    const api = Object.fromEntries(
      Object.entries(stage.api).map(([name, call]) => [
        name,
        (...args: unknown[]) => (killed ? dead : (call as (...all: unknown[]) => unknown)(...args)),
      ]),
    )
    await stage.init({
      ports: {
        api: api as never,
        ...onStep(closed, () => {
          killed = true
        }),
      },
    })
    for (let guard = 0; guard < 2_000 && !killed; guard++) await stage.clock.advance(100)
    stage.sim.controllerManager.freeze()
    await stage.clock.advance(60_000)
    expect(stage.table()).not.toEqual(before)
    stage.sim.controllerManager.thaw()
    await stage.clock.advance(5_000)
    expect(stage.table()).toEqual(before)
  })

  it('within five seconds of a frozen API server coming back', async () => {
    stage = await setStage()
    const before = stage.table()
    let frozen = false
    const run = await stage.init({
      ports: onStep(closed, () => {
        frozen = true
        stage.sim.apiServer.freeze()
      }),
    })
    for (let guard = 0; guard < 2_000 && !frozen; guard++) await stage.clock.advance(100)
    await stage.clock.advance(45_000)
    expect(stage.table()).not.toEqual(before)
    stage.sim.apiServer.thaw()
    await stage.clock.advance(5_000)
    expect(stage.table()).toEqual(before)
    const outcome = await stage.clock.drive(run.ended)
    expect(outcome.kind).toBe('rolled-back')
    expect(stage.leftovers()).toEqual([])
  })

  it('by this client while it can, when the controllers fall behind', async () => {
    stage = await setStage()
    const before = stage.table()
    const run = await stage.init({ ports: onStep(/probe with worker ws1.* closed/, () => stage.sim.controllerManager.freeze()) })
    const outcome = await stage.clock.drive(run.ended)
    expect(outcome).toMatchObject({ kind: 'rolled-back', reason: { kind: 'lag' } })
    expect(stage.table()).toEqual(before)
  })
})

describe('before anything closes', () => {
  it('a cluster whose Job deadlines do not run is refused, and nothing of ours is left', async () => {
    stage = await setStage()
    stage.sim.controllerManager.freeze()
    const run = await stage.init()
    const outcome = await stage.clock.drive(run.ended)
    expect(outcome.kind).toBe('refused')
    expect(codeOf(outcome)).toBe('FW_GATE')
    expect(stage.leftovers()).toEqual([])
  })

  it('a second operator is refused while the first is at work, and named', async () => {
    stage = await setStage()
    const plan = await stage.plan()
    const first = await stage.init({ plan })
    await stage.clock.advance(10_000)
    const second = await stage.init({ plan })
    const outcome = await stage.clock.drive(second.ended)
    expect(outcome.kind).toBe('refused')
    expect(codeOf(outcome)).toBe('FW_BUSY')
    expect(outcome).toMatchObject({ reason: { error: { message: expect.stringContaining('alice@laptop/1') } } })
    expect(await stage.clock.drive(first.ended)).toEqual({ kind: 'done' })
  })
})

describe('a question nobody answers', () => {
  it('keeps the trial for ten minutes of green pulses, then opens', async () => {
    stage = await setStage()
    const before = stage.table()
    let asked = 0
    const run = await stage.init({
      ports: {
        ask: (_question, signal) => {
          asked = stage.clock.now()
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      },
    })
    const outcome = await stage.clock.drive(run.ended)
    expect(outcome).toMatchObject({ kind: 'rolled-back', reason: { kind: 'deadline' } })
    const waited = (stage.clock.now() - asked) / 1000
    expect(waited).toBeGreaterThan(590)
    expect(waited).toBeLessThan(670)
    expect(stage.table()).toEqual(before)
  })
})
