import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject, ObjectRef } from '../../src/calico/object.ts'
import type { Api } from '../../src/cluster/api.ts'
import { confirm, init } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const done = { kind: 'done' }
const isGateJob = ({ kind, name }: ObjectRef): boolean => kind === 'Job' && name === 'gate-1'
const leave = async () => 'leave' as const

/** A word that is given after so many milliseconds. */
const keepAfter = (ms: number) => async () => {
  await stage.clock.sleep(ms)
  return 'keep' as const
}

describe('the word to keep it', () => {
  // Found in review: the renewal of a pulse that was on its way made the deadline another one than this run believed in, and it took itself back.
  it('is taken while a pulse probes beside the question', async () => {
    stage = await setStage()
    expect(await init(stage, undefined, { ask: keepAfter(10_050) })).toEqual(done)
  })

  it('is taken while a pulse moves the deadline', async () => {
    stage = await setStage()
    let answer = (): void => undefined
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    let asking = false
    const ask = async () => {
      asking = true
      await answered
      return 'keep' as const
    }
    const api: Api = {
      ...stage.api,
      mergePatch: async (ref, patch, options) => {
        if (asking && isGateJob(ref)) {
          answer()
          await stage.clock.sleep(50)
        }
        return stage.api.mergePatch(ref, patch, options)
      },
    }
    expect(await init(stage, undefined, { ask, api })).toEqual(done)
  })
})

describe('a trial that another client left', () => {
  // Found in review: a deadline counted from when it was found is never moved on while the question of `confirm` waits.
  it('is renewed while the question of confirm waits, however long it was on trial before', async () => {
    stage = await setStage()
    const ask = async () => {
      await stage.clock.sleep(65_000)
      return 'leave' as const
    }
    expect((await init(stage, undefined, { ask })).kind).toBe('left')
    expect(await confirm(stage, { ask: keepAfter(40_000) })).toEqual(done)
  })

  // Found in review: `confirm` did not know the deadline, and kept what had opened while it slept.
  it('is not kept by a confirm that slept past its deadline between the last look and the commit', async () => {
    stage = await setStage()
    const before = stage.table()
    expect((await init(stage, undefined, { ask: leave })).kind).toBe('left')
    await stage.clock.advance(10_000)
    let [asked, slept] = [false, false]
    const ask = async () => {
      asked = true
      return 'keep' as const
    }
    const api: Api = {
      ...stage.api,
      get: async (ref, options) => {
        const found = await stage.api.get(ref, options)
        if (asked && !slept && isGateJob(ref)) {
          slept = true
          await stage.clock.sleep(endOf(found) - stage.clock.wall().getTime() + 5_000)
        }
        return found
      },
    }
    const outcome = await confirm(stage, { ask, api })
    expect([slept, outcome.kind]).toEqual([true, 'rolled-back'])
    await stage.clock.advance(5_000)
    expect(stage.table()).toEqual(before)
  })
})

/** When a Job's deadline passes, by the cluster's clock. */
const endOf = (job: KubeObject | undefined): number => {
  const { spec, status } = job as unknown as { spec: { activeDeadlineSeconds: number }; status: { startTime: string } }
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1_000
}
