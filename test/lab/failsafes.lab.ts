import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { defaultFailsafes, effectiveFailsafes } from '../../src/calico/failsafes.ts'
import type { FelixConfiguration } from '../../src/calico/shapes.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { calicoApiVersion } from './cluster/crds.ts'
import { felixPid, felixReady } from './cluster/felix.ts'
import { homeFirewall, remove, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { pause, until } from './machine/run.ts'
import { expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import { lineId, watchLifeLines } from './packets/life-lines.ts'
import { send } from './packets/table.ts'

const figure = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const setFailsafes = async (lab: Lab, inbound: unknown): Promise<void> => {
  await lab.api.patch(
    { apiVersion: calicoApiVersion(lab.variant.flavour), kind: 'FelixConfiguration', name: 'default' },
    { spec: { failsafeInboundHostPorts: inbound } },
  )
}

const pids = (lab: Lab) => lab.layout.nodes.map(({ name }) => felixPid(lab.process(`felix-${name}`)))

const good = [...defaultFailsafes.inbound, { protocol: 'TCP', port: 7443 }]

const bad = [
  { what: 'protocol SCTP', entry: { protocol: 'SCTP', port: 9999 } },
  { what: 'no protocol', entry: { port: 9999 } },
  { what: 'net 10.0.0.0/99', entry: { protocol: 'TCP', port: 9999, net: '10.0.0.0/99' } },
] as const

/** Whether the product refuses to work on top of such a list. */
const refusedByProduct = (entry: unknown): boolean => {
  const configuration = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: { failsafeInboundHostPorts: [...defaultFailsafes.inbound, entry] },
  } as FelixConfiguration
  try {
    effectiveFailsafes({ environment: {}, configurations: [configuration], nodeName: 'ws1', nodeLabels: {} })
    return false
  } catch {
    return true
  }
}

const panics = (lab: Lab) => readFileSync(lab.state.at('log', 'felix-ws1.log'), 'utf8').split('felix ended with').length

/** What one edit of the failsafe list does to every Felix of the cluster. */
export const tests: readonly LabTest[] = [
  {
    name: 'failsafes: a good edit restarts every Felix and opens nothing; a bad one stops them all until it is mended',
    needs: ['felix'],
    cells: ['iptables-legacy-native', 'iptables-nft-aggregated', 'nftables-native-storage'],
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      await write(lab, ...firewall.sets, ...firewall.policies, denyPolicy([1]), ...firewall.hostEndpoints(1, ['ws1']))
      const onWs1 = tcp('win', lab.node('ws1').address, 9100)
      const onWs2 = tcp('win', lab.node('ws2').address, 9100)
      await expectPackets(lab, 'ws1 is closed', [[onWs1, 'TIMEOUT']])
      const newcomer = firewall.hostEndpoints(1, ['ws2'])
      try {
        const before = pids(lab)
        const watching = await watchLifeLines(lab, [onWs1], { everyMs: 100, timeoutMs: 500 })
        const edited = Date.now()
        await setFailsafes(lab, good)
        await until('every Felix to start anew', async () => pids(lab).every((pid, index) => pid !== undefined && pid !== before[index]), 30_000)
        await write(lab, ...newcomer)
        await untilAnswer(lab, onWs2, 'TIMEOUT', 40_000)
        const { samples } = await watching.stop()
        tell(`tcp/7443 added: every Felix new and enforcing after ${figure(Date.now() - edited)}`)
        const leaks = samples.filter(({ answer }) => answer === 'OPEN')
        assert.deepEqual(leaks, [], `${lineId(onWs1)} stays closed throughout`)
        for (const { what, entry } of bad) {
          await remove(lab, ...newcomer)
          await untilAnswer(lab, onWs2, 'OPEN')
          assert.ok(refusedByProduct(entry), `the product refuses a list with ${what}`)
          const ended = panics(lab)
          try {
            await setFailsafes(lab, [...good, entry])
          } catch (error) {
            tell(`${what}: the API refuses it: ${error instanceof Error ? error.message.slice(0, 160) : ''}`)
            await write(lab, ...newcomer)
            continue
          }
          await pause(3_000)
          await write(lab, ...newcomer)
          await pause(4_000)
          const [seen] = await send(lab, [onWs2])
          assert.equal(seen?.answer, 'OPEN', `${what}: a HostEndpoint written now is not enforced`)
          const crashes = panics(lab) - ended
          const mending = Date.now()
          await setFailsafes(lab, good)
          await untilAnswer(lab, onWs2, 'TIMEOUT', 60_000)
          tell(
            `${what}: accepted, not enforced after 4 s, Felix on ws1 ended ${crashes} times in 7 s; mended: enforced ${figure(Date.now() - mending)} later`,
          )
        }
      } finally {
        const before = pids(lab)
        await setFailsafes(lab, null)
        await until('every Felix to start anew', async () => pids(lab).every((pid, index) => pid !== undefined && pid !== before[index]), 30_000)
        for (const node of lab.layout.nodes) await felixReady(lab, node)
      }
    },
  },
  {
    name: "failsafes by server-side apply: another's list needs force, and an empty apply takes it away; a merge patch does neither",
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab) => {
      const apiVersion = calicoApiVersion(lab.variant.flavour)
      // Of a node that is not there, so that no Felix starts anew.
      const ref = { apiVersion, kind: 'FelixConfiguration', name: 'node.nobody' }
      const path = `/apis/${apiVersion}/felixconfigurations/${ref.name}`
      const object = (spec: unknown) => ({ apiVersion, kind: ref.kind, metadata: { name: ref.name }, spec })
      const apply = (spec: unknown, force: boolean) =>
        lab.api.request('PATCH', `${path}?fieldManager=someone&force=${force}`, object(spec), 'application/apply-patch+yaml')
      const list = async () => ((await lab.api.get(ref))?.['spec'] as { failsafeInboundHostPorts?: unknown[] } | undefined)?.failsafeInboundHostPorts
      const [ssh, web] = [
        { protocol: 'TCP', port: 22 },
        { protocol: 'TCP', port: 80 },
      ]
      await lab.api.create(object({ failsafeInboundHostPorts: [ssh] }))
      try {
        assert.equal((await apply({ failsafeInboundHostPorts: [ssh, web] }, false)).status, 409, 'without force it is a conflict')
        assert.equal((await apply({ failsafeInboundHostPorts: [ssh, web] }, true)).status, 200)
        assert.equal((await apply({}, false)).status, 200)
        assert.equal(await list(), undefined, 'an empty apply takes the whole list away, the part of others too')
        await lab.api.patch(ref, { spec: { failsafeInboundHostPorts: [ssh, web] } })
        await lab.api.patch(ref, { spec: { failsafeInboundHostPorts: [ssh] } })
        assert.equal((await list())?.length, 1, 'a merge patch puts back what was')
      } finally {
        await lab.api.delete(ref)
      }
    },
  },
]
