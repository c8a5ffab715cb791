import assert from 'node:assert/strict'
import { gatePolicy, gateSet } from '../../src/firewall/objects/gate.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import { spreads } from './cells.ts'
import { startControllerManager } from './cluster/control-plane.ts'
import { hasKubelet } from './cluster/nodes.ts'
import { homeFirewall, networkSetsOf, servicesWithNodes, write } from './firewall.ts'
import { arm, gone, type LabGate } from './gate-parts.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { freeze, kill } from './machine/failures.ts'
import { pause, until } from './machine/run.ts'
import { all, expectPackets, homeClosed, keyPackets, tcp, untilAnswer } from './packets/expect.ts'
import type { Packet } from './packets/table.ts'
import { truthState, writeTruth } from './truth.ts'

/** A gate may open this much later than its deadline on a busy machine, in milliseconds. */
const lagMs = 5_000

const hostPort = (lab: Lab, node: string): Packet => tcp('win', lab.node(node).address, 9100)

/** The firewall without any Deny but that of gates, one change and one node each, so that several gates run side by side. */
const prepare = async (lab: Lab, gates: readonly (readonly [change: number, node: string])[]): Promise<void> => {
  const firewall = homeFirewall(lab)
  await write(lab, ...firewall.sets, ...firewall.policies, ...gates.map(([change]) => gatePolicy(change)))
  await write(lab, ...gates.flatMap(([change, node]) => firewall.hostEndpoints(change, [node])))
  await expectPackets(
    lab,
    'nothing is armed',
    all(
      gates.map(([, node]) => hostPort(lab, node)),
      'OPEN',
    ),
  )
}

const opened = async (lab: Lab, gate: LabGate, node: string, timeoutMs = 60_000): Promise<number> => {
  await untilAnswer(lab, hostPort(lab, node), 'OPEN', timeoutMs)
  return Date.now() - gate.armed
}

const closed = (lab: Lab, node: string): Promise<number> => untilAnswer(lab, hostPort(lab, node), 'TIMEOUT')

const stillClosed = async (lab: Lab, node: string): Promise<void> => {
  await expectPackets(lab, `${node} stays closed`, [[hostPort(lab, node), 'TIMEOUT']])
}

const within = (what: string, ms: number, atLeast: number, atMost: number): void =>
  assert.ok(ms >= atLeast && ms <= atMost, `${what}: ${ms} ms, not ${atLeast} to ${atMost}`)

const figure = (ms: number) => `${(ms / 1000).toFixed(2)} s`

const controlPlane = (lab: Lab) => lab.layout.nodes.filter((node) => node.controlPlane)

/** What keeps a deadline, and what does not: real controllers, real packets. */
export const tests: readonly LabTest[] = [
  {
    name: 'the gate: untouched, renewed, orphaned',
    needs: ['felix'],
    sampled: spreads.second,
    run: async (lab, tell) => {
      await prepare(lab, [
        [1, 'control1'],
        [2, 'ws1'],
        [3, 'ws2'],
      ])
      const [untouched, renewed, orphaned] = await Promise.all([arm(lab, 1, 10), arm(lab, 2, 8), arm(lab, 3, 8)])
      const shut = await Promise.all([closed(lab, 'control1'), closed(lab, 'ws1'), closed(lab, 'ws2')])
      tell(`closed ${shut.map(figure).join(', ')} after arming`)
      await lab.api.patch(renewed.job, { spec: { activeDeadlineSeconds: 16 } })
      await lab.api.patch(orphaned.set, { metadata: { ownerReferences: null } })
      const [first, second] = await Promise.all([opened(lab, untouched, 'control1'), opened(lab, renewed, 'ws1')])
      tell(`untouched: open after ${figure(first)} of 10; renewed from 8 to 16: ${figure(second)}`)
      within('untouched', first, 8_500, 10_000 + lagMs)
      within('renewed', second, 14_500, 16_000 + lagMs)
      await stillClosed(lab, 'ws2')
      const deleting = Date.now()
      await lab.api.delete(orphaned.set)
      await untilAnswer(lab, hostPort(lab, 'ws2'), 'OPEN')
      tell(`orphaned: closed 8 s past its deadline; the set deleted by hand: open in ${figure(Date.now() - deleting)}`)
    },
  },
  {
    name: 'the gate: one delete opens every node; runs do not touch each other',
    needs: ['felix'],
    sampled: spreads.first,
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      const policies = [...firewall.policies, gatePolicy(7), gatePolicy(8)]
      await write(lab, ...firewall.sets, ...policies)
      // What an expired run 7 left behind on ws2 must not close when run 8 arms.
      const hostEndpoints = [...firewall.hostEndpoints(8, ['control1', 'ws1']), ...firewall.hostEndpoints(7, ['ws2'])]
      await write(lab, ...hostEndpoints)
      const objects = { hostEndpoints, policies, networkSets: networkSetsOf(firewall.sets), services: servicesWithNodes(lab) }
      const open = await expectPackets(lab, 'not armed', all(keyPackets(lab), 'OPEN'))
      const gate = await arm(lab, 8, 60)
      const armed = { ...objects, networkSets: [...objects.networkSets, gateSet(8, lab.variant.flavour)] }
      const packets = [...keyPackets(lab), hostPort(lab, 'ws2')]
      const shut = await expectPackets(
        lab,
        'armed',
        packets.map((packet) => [packet, packet === packets.at(-1) ? 'OPEN' : homeClosed(lab, packet)] as const),
      )
      const deleting = Date.now()
      await lab.api.delete(gate.job)
      await untilAnswer(lab, hostPort(lab, 'ws1'), 'OPEN')
      tell(`Job deleted: open in ${figure(Date.now() - deleting)}`)
      await gone(lab, gate)
      await writeTruth(lab, 'gate', [
        truthState('base, allows and gates, not armed', objects, open),
        truthState('gate 8 armed; ws2 carries run 7', armed, shut),
      ])
    },
  },
  {
    name: 'the gate: kube-controller-manager killed, kube-apiserver frozen across the deadline',
    needs: ['felix'],
    cells: ['iptables-legacy-native', 'iptables-nft-aggregated', 'nftables-native-storage'],
    run: async (lab, tell) => {
      await prepare(lab, [
        [1, 'ws1'],
        [2, 'ws2'],
      ])
      const gate = await arm(lab, 1, 6)
      await closed(lab, 'ws1')
      await kill(lab, 'kube-controller-manager')
      await pause(Math.max(0, gate.armed + 8_000 - Date.now()))
      await stillClosed(lab, 'ws1')
      const back = Date.now()
      for (const node of controlPlane(lab)) startControllerManager(lab, node, { monitorsNodes: hasKubelet(lab) })
      await untilAnswer(lab, hostPort(lab, 'ws1'), 'OPEN', 60_000)
      tell(`controller-manager killed and started again after the deadline: open ${figure(Date.now() - back)} later`)
      const second = await arm(lab, 2, 6)
      await closed(lab, 'ws2')
      const thaw = await freeze(lab, 'kube-apiserver')
      await pause(Math.max(0, second.armed + 8_000 - Date.now()))
      await stillClosed(lab, 'ws2')
      const returned = Date.now()
      await thaw()
      await untilAnswer(lab, hostPort(lab, 'ws2'), 'OPEN', 60_000)
      tell(`API server frozen across the deadline: open ${figure(Date.now() - returned)} after its return`)
      await until('the API server', async () => (await lab.api.request('GET', '/readyz', undefined, undefined, 2000)).status === 200)
    },
  },
  {
    name: "the gate and the open set: Calico's API server frozen",
    needs: ['felix'],
    cells: ['nftables-legacy-aggregated', 'iptables-native-aggregated'],
    run: async (lab, tell) => {
      await prepare(lab, [
        [1, 'ws1'],
        [2, 'ws2'],
        [3, 'control1'],
      ])
      const asStorage = await arm(lab, 1, 8)
      assert.equal(asStorage.set.apiVersion, 'crd.projectcalico.org/v1', 'behind the aggregated API the product writes the gate set to storage')
      const asV3 = await arm(lab, 2, 8, { setApiVersion: 'projectcalico.org/v3' })
      const held = await arm(lab, 3, 120)
      await Promise.all([closed(lab, 'ws1'), closed(lab, 'ws2'), closed(lab, 'control1')])
      const thaw = await freeze(lab, 'calico-apiserver')
      try {
        tell(`written to storage: open after ${figure(await opened(lab, asStorage, 'ws1'))} of 8`)
        await stillClosed(lab, 'ws2')
        tell(`written as projectcalico.org/v3: closed ${figure(Date.now() - asV3.armed)} after arming`)
        const opening = Date.now()
        await write(lab, openSet(lab.variant.flavour))
        await Promise.all(['ws2', 'control1'].map((node) => untilAnswer(lab, hostPort(lab, node), 'OPEN')))
        tell(`open set: everything open in ${figure(Date.now() - opening)}`)
        const { apiVersion, kind, metadata } = openSet(lab.variant.flavour)
        await lab.api.delete({ apiVersion, kind, name: metadata.name })
        await closed(lab, 'control1')
      } finally {
        await thaw()
      }
      const returned = Date.now()
      await untilAnswer(lab, hostPort(lab, 'ws2'), 'OPEN', 60_000)
      tell(`after its return the v3 set goes in ${figure(Date.now() - returned)}`)
      await lab.api.delete(held.set)
    },
  },
]
