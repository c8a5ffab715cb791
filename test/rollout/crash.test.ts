import { describe, expect, it } from 'vitest'
import { refOf } from '../../src/calico/object.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import type { HomeClusterOptions } from '../../src/simulator/seed/home-cluster.ts'
import { mortal } from './mortal-api.ts'
import { setStage } from './stage.ts'

const windowSeconds = 30

/** Runs `init` with a client that dies after its n-th write; tells what the outside sees before, and after the window and five seconds. */
const crashAfter = async (lastWrite: number, options: HomeClusterOptions = {}) => {
  const stage = await setStage(options)
  try {
    const plan = await stage.plan(windowSeconds)
    const before = stage.table()
    const api = mortal(stage.api, lastWrite)
    const run = await stage.init({ plan, ports: { api } })
    if (lastWrite === Number.POSITIVE_INFINITY) {
      const outcome = await stage.clock.drive(run.ended)
      return { before, after: stage.table(), writes: api.writes(), outcome, kept: true }
    }
    // Time goes on until the client is dead, then for the window and five seconds more.
    for (let guard = 0; guard < 2_000 && api.writes().length < lastWrite; guard++) await stage.clock.advance(100)
    expect(api.writes()).toHaveLength(lastWrite)
    await stage.clock.advance(windowSeconds * 1000 + 5_000)
    const kept = (await stage.clock.drive(stage.api.get(refOf(denyPolicy([1]))))) !== undefined
    return { before, after: stage.table(), writes: api.writes(), outcome: undefined, kept }
  } finally {
    await stage.close()
  }
}

describe.each<HomeClusterOptions>([{ flavour: 'native' }, { flavour: 'aggregated' }, { flavour: 'storage' }])(
  'the client is killed after one of its writes, some of them tried, $flavour',
  (options) => {
    it('and whatever it left is open again within the window and five seconds, or was kept whole', { timeout: 100_000 }, async () => {
      const whole = await crashAfter(Number.POSITIVE_INFINITY, options)
      expect(whole.outcome).toEqual({ kind: 'done' })
      expect(whole.after).not.toEqual(whole.before)
      // Between every two requests the exploration looks (test/explore); the other flavours share all but where objects are written.
      const step = options.flavour === 'native' ? 2 : 5
      for (let point = 1; point < whole.writes.length; point += step) {
        const { before, after, kept } = await crashAfter(point, options)
        expect({ point, write: whole.writes[point - 1], after }).toEqual({
          point,
          write: whole.writes[point - 1],
          after: kept ? whole.after : before,
        })
      }
    })
  },
)
