import assert from 'node:assert/strict'
import { gatePolicy } from '../../src/firewall/objects/gate.ts'
import { controlPlaneNodes, processOn, startControllerManager } from './cluster/control-plane.ts'
import { felixReady } from './cluster/felix.ts'
import { hasKubelet } from './cluster/nodes.ts'
import { homeFirewall, write } from './firewall.ts'
import { arm } from './gate-parts.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import type { NodeHost } from './layout.ts'
import { freeze, kill, unplug } from './machine/failures.ts'
import { pause, until } from './machine/run.ts'
import { expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import { send } from './packets/table.ts'
import { moveVip } from './vip.ts'

const role = 'kube-controller-manager'
const figure = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** A Lease of leader election is taken over this long after its holder's last sign of life, and controllers need a moment to start. */
const takeoverMs = 15_000 + 12_000

interface Lease {
  readonly spec?: { readonly holderIdentity?: string }
}

const leader = async (lab: Lab): Promise<NodeHost> => {
  const { answer } = await until('a leader among the controller managers', async () => {
    const lease = (await lab.api.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name: role })) as
      | Lease
      | undefined
    const host = lease?.spec?.holderIdentity?.split('_')[0]
    return controlPlaneNodes(lab.layout).find(({ name }) => name === host)
  })
  return answer
}

const prepare = async (lab: Lab): Promise<void> => {
  const firewall = homeFirewall(lab)
  await write(lab, ...firewall.sets, ...firewall.policies, gatePolicy(1), ...firewall.hostEndpoints(1, ['ws1', 'ws2']))
}

/** Arms for some seconds, does something, and tells how long after arming everything was open. */
const openAfter = async (lab: Lab, seconds: number, meanwhile: () => Promise<void>): Promise<number> => {
  const packet = tcp('win', lab.node('ws1').address, 9100)
  const gate = await arm(lab, 1, seconds)
  // The test before has left this Felix with an opening to take back, and a HostEndpoint whose policies it has not learned yet drops too: closed is what stays so.
  let inARow = 0
  const staysClosed = async () => {
    inARow = (await send(lab, [packet], 300))[0]?.answer === 'TIMEOUT' ? inARow + 1 : 0
    return inARow >= 4
  }
  await until('the node to stay closed', staysClosed, 6_000)
  await meanwhile()
  await untilAnswer(lab, packet, 'OPEN', 120_000)
  const ms = Date.now() - gate.armed
  // A Job's startTime is cut to whole seconds.
  assert.ok(ms >= (seconds - 1.5) * 1000, `open ${figure(ms)} after arming for ${seconds} s: too early`)
  return ms
}

/** A control-plane node that was away is whole again: its API server is an endpoint of Service kubernetes, and its Felix does its work. */
const recovered = async (lab: Lab, node: NodeHost): Promise<void> => {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes'
  const isBack = async () => JSON.stringify((await lab.api.request('GET', path)).body).includes(`"${node.address}"`)
  await until(`the API server of ${node.name} among the endpoints`, isBack, 60_000, 500)
  await felixReady(lab, node)
}

/** Three control-plane nodes: what the gate's deadline is worth when its keeper is lost. */
export const tests: readonly LabTest[] = [
  {
    name: 'HA: the gate opens at its deadline; its keeper killed or frozen, when another takes over',
    needs: ['felix'],
    shapes: ['ha'],
    run: async (lab, tell) => {
      await prepare(lab)
      const alone = await openAfter(lab, 8, async () => undefined)
      tell(`untouched: open after ${figure(alone)} of 8`)
      assert.ok(alone <= 13_000)
      await pause(500)
      const first = await leader(lab)
      const killed = await openAfter(lab, 8, () => kill(lab, processOn(lab, first, role)))
      startControllerManager(lab, first, { monitorsNodes: hasKubelet(lab) })
      tell(`the leader killed on ${first.name}: open after ${figure(killed)} of 8`)
      assert.ok(killed <= 8_000 + takeoverMs, figure(killed))
      await pause(500)
      const second = await leader(lab)
      let thaw = async (): Promise<void> => undefined
      const frozen = await openAfter(lab, 8, async () => {
        thaw = await freeze(lab, processOn(lab, second, role))
      })
      await thaw()
      tell(`the leader frozen on ${second.name}: open after ${figure(frozen)} of 8`)
      assert.ok(frozen <= 8_000 + takeoverMs, figure(frozen))
    },
  },
  {
    name: 'HA: a control-plane node loses its network, the API VIP moves, the gate opens all the same',
    needs: ['felix'],
    shapes: ['ha'],
    run: async (lab, tell) => {
      await prepare(lab)
      const [first, , third] = controlPlaneNodes(lab.layout)
      if (first === undefined || third === undefined) throw new Error('this needs three control-plane nodes')
      let plug = async (): Promise<void> => undefined
      const api = tcp('adm', lab.layout.api.vip, lab.layout.api.vipPort)
      try {
        const lost = await openAfter(lab, 12, async () => {
          plug = await unplug(lab, third.name)
          await moveVip(lab, first, third)
          await pause(1_000)
          await moveVip(lab, third, first)
        })
        tell(`${third.name} unplugged: open after ${figure(lost)} of 12`)
        assert.ok(lost <= 12_000 + takeoverMs, figure(lost))
      } finally {
        await plug()
        await recovered(lab, third)
      }
      const moving = Date.now()
      await moveVip(lab, first, third)
      await untilAnswer(lab, api, 'OPEN', 30_000)
      tell(`the VIP moved to ${third.name}: the API answers there ${figure(Date.now() - moving)} later`)
      await expectPackets(lab, 'the API by its VIP', [[api, 'OPEN']])
      await moveVip(lab, third, first)
      await untilAnswer(lab, api, 'OPEN', 30_000)
    },
  },
]
