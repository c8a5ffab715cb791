import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import type { Api } from '../../src/cluster/api.ts'
import { felixConfiguration, init, rollBack, situationOn } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

/** Nothing this client does leaves it for so long, from its first write of such an object on; then everything that was held is sent, as a stopped process does that is continued. */
const stoppedAt = (api: Api, isIt: (object: KubeObject) => boolean, sleep: () => Promise<void>) => {
  let stopped: Promise<void> | undefined
  const calls = Object.entries(api).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      const options = args[1] as { dryRun?: boolean } | undefined
      if ((name === 'apply' || name === 'create') && options?.dryRun !== true && isIt(args[0] as KubeObject)) stopped ??= sleep()
      await stopped
      return (call as (...all: unknown[]) => unknown)(...args)
    },
  ])
  return { api: Object.fromEntries(calls) as unknown as Api, isStopped: () => stopped !== undefined }
}

const late: readonly [string, (object: KubeObject) => boolean][] = [
  ['a set', ({ kind }) => kind === 'GlobalNetworkSet'],
  ['a policy', ({ metadata }) => metadata.name === 'calico-fw-base'],
  ['the gate’s Job', ({ metadata }) => metadata.name === 'gate-1'],
  ['the gate’s set', ({ kind, metadata }) => kind === 'NetworkSet' && metadata.name === 'gate-1'],
  ['the first HostEndpoint', ({ kind }) => kind === 'HostEndpoint'],
  ['the last HostEndpoint', ({ kind, metadata }) => kind === 'HostEndpoint' && metadata.name.startsWith('control1')],
  ['the lasting Deny', ({ metadata }) => metadata.name === 'calico-fw-deny'],
]

describe('take-over against a late write', () => {
  it.each(late)('%s, sent by a stopped client after another has rolled back, closes nothing', { timeout: 30_000 }, async (_name, isIt) => {
    stage = await setStage()
    const before = { table: stage.table(), felix: felixConfiguration(stage) }
    const alice = stoppedAt(stage.api, isIt, () => stage.clock.sleep(200_000))
    const asleep = init(stage, undefined, { api: alice.api })
    asleep.catch(() => undefined)
    for (let guard = 0; guard < 2_000 && !alice.isStopped(); guard++) await stage.clock.advance(100)
    expect(alice.isStopped()).toBe(true)
    await stage.clock.advance(40_000)
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(stage.table()).toEqual(before.table)
    await asleep
    await stage.clock.advance(35_000)
    expect(stage.table()).toEqual(before.table)
    expect(felixConfiguration(stage)).toEqual(before.felix)
    // A cluster-wide object may be left: its request was under way when the namespace with the checkpoints went. It decides about no packet, and is found.
    const left = stage.leftovers()
    expect((await situationOn(stage)).strays.map(({ kind, name }) => `${kind} ${name}`)).toEqual(left)
    if (left.length === 0) return
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect(stage.leftovers()).toEqual([])
    expect({ table: stage.table(), felix: felixConfiguration(stage) }).toEqual(before)
  })
})
