import { afterEach, describe, expect, it } from 'vitest'
import type { Api } from '../../src/cluster/api.ts'
import type { Clock } from '../../src/rollout/clock.ts'
import type { RolloutPorts } from '../../src/rollout/ports.ts'
import { felixConfiguration } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

/** A laptop whose lid is closed: nothing of it goes on, not even what has an answer, until it is opened again. Its clock is one that counts the sleep. */
const laptop = (api: Api, clock: Clock, prober: RolloutPorts['prober']) => {
  let shut: Promise<void> | undefined
  let open: () => void = () => undefined
  const awake = async <T>(work: Promise<T>): Promise<T> => {
    const outcome = await work.then(
      (value) => () => value,
      (error: unknown) => (): T => {
        throw error
      },
    )
    while (shut !== undefined) await shut
    return outcome()
  }
  const calls = Object.entries(api).map(([name, call]) => [
    name,
    (...args: unknown[]) => awake(Promise.resolve((call as (...all: unknown[]) => unknown)(...args))),
  ])
  const ports = {
    api: Object.fromEntries(calls) as unknown as Api,
    clock: { ...clock, now: () => clock.now(), sleep: (ms: number, signal?: AbortSignal) => awake(clock.sleep(ms, signal)) },
    prober: { run: (...args: Parameters<RolloutPorts['prober']['run']>) => awake(prober.run(...args)) },
  } satisfies Partial<RolloutPorts>
  return {
    ports,
    shutLid: () => {
      shut ??= new Promise((resolve) => {
        open = resolve
      })
    },
    openLid: () => {
      shut = undefined
      open()
    },
  }
}

describe('a laptop that sleeps past the deadline', () => {
  it.each(['close worker ws2.kryukov.local', 'keep the firewall?', 'the gate still holds', 'keep it: write the lasting Deny'])(
    'at "%s" finds the cluster open, closes nothing when it wakes up, and clears away',
    async (title) => {
      stage = await setStage()
      const before = { table: stage.table(), felix: felixConfiguration(stage) }
      const { api, clock, prober } = stage.ports()
      const { ports, shutLid, openLid } = laptop(api, clock, prober)
      let asleep = false
      let closed = false
      const run = await stage.init({
        ports: {
          ...ports,
          report: (event) => {
            if (event.kind === 'step' && event.step.kind === 'write' && event.step.closes.length > 0) closed = true
            if (asleep || !closed || event.kind !== 'step' || event.step.title !== title) return
            asleep = true
            shutLid()
          },
        },
      })
      for (let guard = 0; guard < 2_000 && !asleep; guard++) await stage.clock.advance(100)
      await stage.clock.advance(35_000)
      expect(stage.table()).toEqual(before.table)
      await stage.clock.advance(3_600_000)
      openLid()
      const outcome = await stage.clock.drive(run.ended)
      expect(outcome.kind).toBe('rolled-back')
      await stage.clock.advance(2_000)
      expect({ table: stage.table(), felix: felixConfiguration(stage) }).toEqual(before)
      expect(stage.leftovers()).toEqual([])
    },
  )
})
