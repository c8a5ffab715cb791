import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { flushRules, freeze, type Heal, loseOneWay, partition, slowDown, slowLink, unplug } from './machine/failures.ts'
import { until } from './machine/run.ts'
import { all, expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import { send } from './packets/table.ts'

/** Does something while a failure lasts, and takes it away whatever happens. */
const during = async (heal: Heal, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work()
  } finally {
    await heal()
  }
}

const addressOf = (lab: Lab, name: string): string => lab.node(name).address

/** Share of fresh connections that came through. */
const shareOpen = async (lab: Lab, from: string, to: string, attempts: number): Promise<number> => {
  const seen = await send(
    lab,
    Array.from({ length: attempts }, () => tcp(from, to, 22)),
    300,
  )
  return seen.filter(({ answer }) => answer === 'OPEN').length / attempts
}

const readyMs = async (lab: Lab): Promise<number> => {
  const began = performance.now()
  await lab.api.request('GET', '/readyz', undefined, undefined, 10_000)
  return performance.now() - began
}

const must = (holds: boolean, claim: string): void => {
  if (!holds) throw new Error(claim)
}

/** Each failure of the menu does what its name says, and is gone once healed. */
export const tests: readonly LabTest[] = [
  {
    name: 'failures at the switch: unplugged, partitioned, one way lost, slow',
    needs: [],
    run: async (lab, tell) => {
      const [control1, ws1, ws2] = ['control1', 'ws1', 'ws2'].map((name) => addressOf(lab, name)) as [string, string, string]
      await during(await unplug(lab, 'ws1'), async () => {
        // Silence at first, and an error once the kernel has given up asking for its MAC address.
        const seen = await send(lab, [tcp('win', ws1, 22), tcp('ws2', ws1, 22)])
        must(
          seen.every(({ answer }) => answer === 'TIMEOUT' || answer.startsWith('ERR')),
          'unplugged from everybody',
        )
      })
      await untilAnswer(lab, tcp('win', ws1, 22), 'OPEN')
      await during(await partition(lab, ws1, ws2), async () => {
        await expectPackets(lab, 'partitioned', all([tcp('ws1', ws2, 22), tcp('ws2', ws1, 22)], 'TIMEOUT'))
        await expectPackets(lab, 'partitioned from nobody else', all([tcp('ws1', control1, 22), tcp('win', ws2, 22)], 'OPEN'))
      })
      await untilAnswer(lab, tcp('ws1', ws2, 22), 'OPEN')
      await during(await loseOneWay(lab, ws1, ws2, 0.5), async () => {
        const share = await shareOpen(lab, 'ws1', ws2, 100)
        tell(`half of one way lost: ${share * 100} % of connections come through in 0.3 s`)
        must(share > 0.05 && share < 0.95, 'some come through and some do not')
      })
      must((await shareOpen(lab, 'ws1', ws2, 50)) === 1, 'all come through again')
      await during(await slowLink(lab, 'ws1', 64), async () => {
        // Faster than the link's bucket fills; without a deadline ping gives up on what takes longer than its first answer.
        const seen = await lab.exec('win', ['ping', '-c', '5', '-i', '0.02', '-s', '1400', '-w', '5', ws1])
        const [, ms = '0'] = / = [\d.]+\/([\d.]+)\//.exec(seen.stdout) ?? []
        tell(`64 kbit/s: a 1400-byte ping takes ${ms} ms`)
        must(Number(ms) > 100, 'the link is slow')
      })
    },
  },
  {
    name: 'failures of programs: frozen, slow',
    needs: [],
    run: async (lab, tell) => {
      const thaw = await freeze(lab, 'kube-apiserver')
      await during(thaw, async () => {
        const answered = await lab.api.request('GET', '/readyz', undefined, undefined, 1_000).then(
          () => true,
          () => false,
        )
        must(!answered, 'a frozen API server does not answer')
      })
      const idle = await readyMs(lab)
      await during(await slowDown(lab, 'kube-apiserver', { runs: 20, rests: 400 }), async () => {
        const times = []
        for (let round = 0; round < 6; round++) times.push(await readyMs(lab))
        tell(`idle ${idle.toFixed(0)} ms, slow ${Math.max(...times).toFixed(0)} ms`)
        must(Math.max(...times) > 100, 'a slowed API server is slow')
      })
    },
  },
  {
    name: 'failures under Felix: rules flushed under it come back by themselves',
    needs: ['felix'],
    cells: ['iptables-legacy-native'],
    run: async (lab, tell) => {
      const rules = async () => (await lab.exec('ws1', ['iptables-save'])).stdout.split('\n').filter((line) => line.includes('cali-')).length
      const before = await rules()
      await flushRules(lab.sandbox('ws1'))
      must((await rules()) < before, 'rules are gone')
      const { ms } = await until("Felix's rules to be back", async () => (await rules()) >= before, 240_000, 1_000)
      tell(`back after ${(ms / 1000).toFixed(0)} s, with nothing written meanwhile`)
    },
  },
]
