import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { rescueMark } from '../../src/firewall/rescue-script.ts'
import { spreads } from './cells.ts'
import { felixPid, felixReady } from './cluster/felix.ts'
import { homeFirewall, write } from './firewall.ts'
import type { LabTest } from './lab-test.ts'
import { freeze } from './machine/failures.ts'
import { until } from './machine/run.ts'
import { all, expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import { runTool } from './tool.ts'

/** A node opened by hand of the product, without the API. */
export const tests: readonly LabTest[] = [
  {
    name: 'rescue: a node opens with the API server frozen, stays open when Felix starts anew, and closes when it is over',
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      await write(lab, ...firewall.sets, ...firewall.policies, denyPolicy([1]), ...firewall.hostEndpoints(1))
      const [ws1, ws2] = [lab.node('ws1'), lab.node('ws2').address]
      const packets = ['win', 'inet'].flatMap((from) => [23, 9100, 10250, lab.layout.nodePorts.cluster].map((port) => tcp(from, ws1.address, port)))
      await expectPackets(lab, 'closed', all(packets, 'TIMEOUT'))
      const thaw = await freeze(lab, 'kube-apiserver')
      let keeper: string | undefined
      try {
        // What an operator's ssh would do: a shell on the node, as root.
        const signIn = lab.argvIn('ws1', []).join(' ')
        const { code, lines } = await runTool(lab, ['rescue', '--execute', signIn, '--for', '5m'])
        const said = lines.map(({ text }) => text).join('\n')
        assert.equal(code, 0, said)
        keeper = /kill (\d+)/.exec(said)?.[1]
        await expectPackets(lab, 'rescued', [...all(packets, 'OPEN'), [tcp('win', ws2, 9100), 'TIMEOUT']])
      } finally {
        await thaw()
      }
      const supervisor = lab.process('felix-ws1')
      const before = felixPid(supervisor)
      if (before !== undefined) process.kill(before, 'SIGKILL')
      await until('Felix on ws1 to start anew', async () => felixPid(supervisor) !== before && felixPid(supervisor) !== undefined, 30_000)
      await felixReady(lab, ws1)
      let slowest = 0
      for (const packet of packets) slowest = Math.max(slowest, await untilAnswer(lab, packet, 'OPEN', 5_000))
      tell(`a Felix that started anew: everything OPEN after ${(slowest / 1000).toFixed(1)} s at most`)
      await lab.exec('ws1', ['kill', keeper ?? ''])
      for (const packet of packets) await untilAnswer(lab, packet, 'TIMEOUT', 10_000)
      const left = await lab.exec('ws1', ['sh', '-c', `{ iptables-save; ip6tables-save; nft list ruleset; } 2>/dev/null | grep -c ${rescueMark}`])
      assert.equal(left.stdout.trim(), '0', 'no rule of the rescue is left')
    },
  },
]
