import { afterEach, describe, expect, it } from 'vitest'
import { rollbackTarget } from '../../src/rollout/changes.ts'
import { chooseRollback } from '../../src/rollout/choose-rollback.ts'
import type { RolloutPorts } from '../../src/rollout/ports.ts'
import { imagesBackTo } from '../../src/rollout/rollback-steps.ts'
import { mortal } from './mortal-api.ts'
import { addVip, init, rollBack, situationOn, standing } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const done = { kind: 'done' }
const withoutIngress = (text: string) => text.replace(/^ {2}- \{name: ingress,.*\n/m, '')

/** What was seen from outside and stood in the cluster after each change. */
const remembering = () => {
  const after = new Map<number, { table: Record<string, string>; standing: Record<string, unknown> }>()
  const look = async () => {
    await stage.clock.advance(2_000)
    return { table: stage.table(), standing: standing(stage) }
  }
  return {
    remember: async (change: number) => void after.set(change, await look()),
    expectAsAfter: async (change: number) => expect({ change, ...(await look()) }).toEqual({ change, ...after.get(change) }),
  }
}

describe('rollback --to any change, forward and backward', () => {
  it('brings back the objects to the letter and every packet, and is gated where it closes', { timeout: 60_000 }, async () => {
    stage = await setStage()
    const { remember, expectAsAfter } = remembering()
    await remember(0)
    expect(await init(stage)).toEqual(done)
    await remember(1)
    expect(await addVip(stage)).toEqual(done)
    await remember(2)
    // Narrower: one opening less for everyone.
    expect(await init(stage, withoutIngress)).toEqual(done)
    await remember(3)
    const ways: [number, string][] = []
    for (const to of [1, 3, 2, 1, 2, 3]) {
      const { outcome, way } = await rollBack(stage, to)
      expect(outcome).toEqual(done)
      ways.push([to, way])
      await expectAsAfter(to)
    }
    expect(ways).toEqual([
      [1, 'closes-again'],
      [3, 'closes-again'],
      [2, 'closes-again'],
      [1, 'closes'],
      [2, 'widens'],
      [3, 'closes-again'],
    ])
    const { changes, gates, opened } = await situationOn(stage)
    expect({ gates, opened }).toEqual({ gates: [], opened: false })
    expect(changes.map(({ number, inForce, end }) => [number, inForce, end?.outcome])).toEqual([
      ...[1, 2, 3].map((number) => [number, true, 'done']),
      ...[4, 5, 6, 7, 8, 9].map((number) => [number, false, 'done']),
    ])
    const { outcome } = await rollBack(stage, 0)
    expect(outcome).toEqual(done)
    await expectAsAfter(0)
  })
})

describe('a rollback that closes again', () => {
  /** Change 2 narrows, on HostEndpoints of a run of its own: change 1 cannot come back without closing all of them anew. */
  const ready = async () => {
    stage = await setStage()
    const open = stage.table()
    expect(await init(stage)).toEqual(done)
    const then = { table: stage.table(), standing: standing(stage) }
    expect(await init(stage, withoutIngress)).toEqual(done)
    return { open, then, now: await seen() }
  }
  const seen = async () => {
    await stage.clock.advance(2_000)
    return { table: stage.table(), standing: standing(stage) }
  }

  it('that is not kept puts back what was there, and takes its open set away', async () => {
    const { now } = await ready()
    const { outcome, way } = await rollBack(stage, 1, { ask: async () => 'open' })
    expect([way, outcome.kind]).toEqual(['closes-again', 'rolled-back'])
    expect(await seen()).toEqual(now)
    const { changes, opened } = await situationOn(stage)
    expect(opened).toBe(false)
    expect(changes.at(-1)).toMatchObject({ number: 3, undoes: [2], end: { outcome: 'rolled-back' } })
    expect(rollbackTarget(changes)).toBe(1)
  })

  it.each([
    ['open everything', 'open'],
    ['close again: remove the open set', 'open'],
    ['keep it: write the lasting Deny', 'closed'],
    ['restore the run of HostEndpoints', 'closed'],
  ] as const)('whose client dies at "%s" leaves it %s within the window and five seconds, and is gone on with', async (title, left) => {
    const states = await ready()
    const api = mortal(stage.api, Number.POSITIVE_INFINITY)
    const report: RolloutPorts['report'] = (event) => {
      if (event.kind === 'step' && event.step.title === title) api.dieAfter(1)
    }
    void rollBack(stage, 1, { api, report })
    for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
    expect(api.dead()).toBe(true)
    await stage.clock.advance(35_000)
    expect(stage.table()).toEqual(left === 'open' ? states.open : states.then.table)
    const { changes } = await situationOn(stage)
    expect(rollbackTarget(changes)).toBe(1)
    const { outcome } = await rollBack(stage, rollbackTarget(changes))
    expect(outcome).toEqual(done)
    expect(await seen()).toEqual(states.then)
  })
})

// Found in review: two rollbacks later everything was open, for the change it had not taken back was passed over.
it('a rollback that died before it put anything back has taken nothing back', { timeout: 60_000 }, async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual(done)
  expect(await addVip(stage)).toEqual(done)
  const api = mortal(stage.api, (write) => write.startsWith('create ConfigMap checkpoint-3.1'))
  rollBack(stage, 1, { api }).catch(() => undefined)
  for (let guard = 0; guard < 3_000 && !api.dead(); guard++) await stage.clock.advance(100)
  expect(api.dead()).toBe(true)
  expect(rollbackTarget((await situationOn(stage)).changes)).toBe(1)
  // Taken over.
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'calico-fw', name: 'calico-fw-lock' }
  await stage.clock.drive(stage.api.mergePatch(lease, { spec: { holderIdentity: '' } }))
  expect(await addVip(stage, '31852/tcp')).toEqual(done)
  expect((await rollBack(stage, rollbackTarget((await situationOn(stage)).changes))).outcome).toEqual(done)
  const { changes } = await situationOn(stage)
  expect([changes.filter(({ inForce }) => inForce).map(({ number }) => number), rollbackTarget(changes)]).toEqual([[1, 2], 1])
})

// Found in review: Calico 3.29.0 to 3.29.3 answers with `default.` before a policy's name, and an opening was not found among those that are there.
it('a way back is the same where policies are answered with their tier before their names', { timeout: 60_000 }, async () => {
  stage = await setStage()
  expect(await init(stage)).toEqual(done)
  expect(await addVip(stage)).toEqual(done)
  expect(await init(stage, withoutIngress)).toEqual(done)
  const [facts, now] = [await stage.facts(), await situationOn(stage)]
  const config = stage.config(await stage.plan())
  const prefixed = facts.policies.map((policy) => ({ ...policy, metadata: { ...policy.metadata, name: `default.${policy.metadata.name}` } }))
  for (const to of [0, 1, 2]) {
    const images = imagesBackTo(now.checkpoints, to)
    const ways = [facts.policies, prefixed].map((policies) =>
      chooseRollback({ change: 4, to, images, config }, { ...now, differing: images, policies, flavour: facts.calico.flavour, closedNodes: [] }),
    )
    expect(ways[1]).toEqual(ways[0])
  }
})
