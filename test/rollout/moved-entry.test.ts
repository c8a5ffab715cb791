import { afterEach, expect, it } from 'vitest'
import { mortal } from './mortal-api.ts'
import { init } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const ingress = '{name: ingress, to: {nets: [192.168.218.180/32]}'
const apiVip = '  - {name: api-vip'
const second = (net: string) => `  - {name: ingress-two, to: {nets: [${net}]}, traffic: [{protocol: TCP, ports: [80, 443]}]}\n${apiVip}`

/** A file for both addresses before, and another that opens the same by other entries. */
const moves: readonly [string, (text: string) => string, (text: string) => string][] = [
  [
    'split in two',
    (text) => text.replace(ingress, ingress.replace(']', ', 192.168.218.181/32]')),
    (text) => text.replace(ingress, ingress.replace('.180', '.181')).replace(apiVip, second('192.168.218.180/32')),
  ],
  [
    'changed for one another',
    (text) => text.replace(apiVip, second('192.168.218.181/32')),
    (text) => text.replace(ingress, ingress.replace('.180', '.181')).replace(apiVip, second('192.168.218.180/32')),
  ],
]

// Found in review: both policies were written at once, and what moved from one to the other was closed for good where the client died in between.
it.each(moves)('entries that are %s close nothing, wherever the client dies', { timeout: 60_000 }, async (_, before, after) => {
  const writesOf = async (dies: number): Promise<{ writes: number; died: boolean }> => {
    stage = await setStage()
    expect(await init(stage, before)).toEqual({ kind: 'done' })
    let writes = 0
    const api = mortal(stage.api, (write) => write.startsWith('apply GlobalNetworkPolicy') && ++writes === dies)
    let ended = false
    init(stage, after, { api })
      .finally(() => {
        ended = true
      })
      .catch(() => undefined)
    const seen = new Set<string>()
    for (let guard = 0; guard < 3_000 && !api.dead() && !ended; guard++) {
      await stage.clock.advance(100)
      seen.add(stage.sim.reach('inet', '192.168.218.180', 443))
    }
    await stage.clock.advance(120_000)
    seen.add(stage.sim.reach('inet', '192.168.218.180', 443))
    expect([...seen], `the client dies at its write ${dies} of a policy`).toEqual(['OPEN'])
    const died = api.dead()
    await stage.close()
    return { writes, died }
  }
  const whole = await writesOf(Number.POSITIVE_INFINITY)
  expect(whole.writes).toBeGreaterThan(1)
  for (let dies = 1; dies <= whole.writes; dies++) expect((await writesOf(dies)).died).toBe(true)
})
