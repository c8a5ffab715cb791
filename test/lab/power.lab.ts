import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { felixReady } from './cluster/felix.ts'
import { homeFirewall, networkSetsOf, servicesWithNodes, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { until } from './machine/run.ts'
import { all, tcp, untilAnswer } from './packets/expect.ts'
import { renderTimeline, watchLifeLines } from './packets/life-lines.ts'
import type { Packet } from './packets/table.ts'
import { powerOff, powerOn, readdress } from './power.ts'
import { recorder } from './record.ts'

const dark = 'ws2'
const otherAddress = '192.168.218.178'
const figure = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** Among the machines that have power, and to the API. */
const amongOthers = (lab: Lab): Packet[] => {
  const [control1, ws1] = [lab.node('control1').address, lab.node('ws1').address]
  return [
    ...['ws1', 'app1-ws1'].flatMap((from) => [tcp(from, control1, 10250), tcp(from, control1, lab.layout.api.port)]),
    ...['control1', 'app1-control1'].map((from) => tcp(from, ws1, 10250)),
  ]
}

/** Between the machine that was dark and its neighbours, both ways, and from its pod. */
const withTheOne = (lab: Lab): Packet[] => {
  const [control1, ws1, back] = ['control1', 'ws1', dark].map((name) => lab.node(name).address) as [string, string, string]
  return [
    ...[dark, `app1-${dark}`].flatMap((from) => [tcp(from, control1, 10250), tcp(from, ws1, 9100)]),
    ...['control1', 'ws1', 'app1-ws1'].map((from) => tcp(from, back, 10250)),
  ]
}

/** A worker boots and is a node again: told are the seconds until its neighbours let it in, and until it is closed to outsiders itself. */
const boot = async (lab: Lab, tell: (line: string) => void): Promise<void> => {
  const node = lab.node(dark)
  const began = Date.now()
  await powerOn(lab, dark)
  for (const packet of withTheOne(lab)) await untilAnswer(lab, packet, 'OPEN', 60_000)
  const letIn = Date.now() - began
  await felixReady(lab, node)
  await untilAnswer(lab, tcp('win', node.address, 9100), 'TIMEOUT', 30_000)
  tell(`${dark} is back at ${node.address}: let in by all after ${figure(letIn)}, closed to outsiders ${figure(Date.now() - began)} after its boot`)
}

/** Machines that lose their power, and the address they come back with. */
export const tests: readonly LabTest[] = [
  {
    name: 'a node without power cuts nobody else; back at its address, or at another, it is let in and closed',
    needs: ['felix', 'kubelet'],
    sampled: spreads.second,
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      const policies = [...firewall.policies, denyPolicy([1])]
      const hostEndpoints = firewall.hostEndpoints(1)
      const objects = { policies, hostEndpoints, networkSets: networkSetsOf(firewall.sets) }
      await write(lab, ...firewall.sets, ...policies, ...hostEndpoints)
      await untilAnswer(lab, tcp('win', lab.node(dark).address, 9100), 'TIMEOUT')

      const lines = amongOthers(lab)
      const watching = await watchLifeLines(lab, lines, { everyMs: 200 })
      await powerOff(lab, dark)
      await untilAnswer(lab, tcp('ws1', lab.node(dark).address, 10250), 'TIMEOUT')
      await boot(lab, tell)
      const { see, write: keep } = recorder(lab, 'power')
      const outside = (at: Lab) => ['win', 'inet'].flatMap((from) => [10250, 9100, 23].map((port) => tcp(from, at.node(dark).address, port)))
      await see('the node is back at its address', { ...objects, services: servicesWithNodes(lab) }, [
        ...all(withTheOne(lab), 'OPEN'),
        ...all(outside(lab), 'TIMEOUT'),
      ])
      await keep()

      const home = lab.node(dark).address
      await powerOff(lab, dark)
      const moved = await readdress(lab, dark, otherAddress)
      try {
        await boot(moved, tell)
        const { see: seeMoved, write: keepMoved } = recorder(moved, 'moved')
        // The sets and the HostEndpoint's expectedIPs still say the old address: what lets it in is the nodes Service alone.
        await seeMoved('the node is back at another address', { ...objects, services: servicesWithNodes(moved) }, [
          ...all(withTheOne(moved), 'OPEN'),
          ...all(outside(moved), 'TIMEOUT'),
        ])
        await keepMoved()
      } finally {
        await powerOff(moved, dark)
        await readdress(moved, dark, home)
        await powerOn(lab, dark)
        await felixReady(lab, lab.node(dark))
        await until(`${dark} to be reached at ${home}`, () =>
          lab
            .agent('control1')
            .probe([tcp('', home, 10250).target])
            .then(([answer]) => answer === 'OPEN'),
        )
      }
      const timeline = await watching.stop()
      tell(`meanwhile among the others: ${timeline.samples.length} fresh connections, ${timeline.cuts.length} cuts`)
      assert.equal(timeline.cuts.length, 0, renderTimeline(timeline))
      moved.api.close()
    },
  },
]
