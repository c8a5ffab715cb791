import type { Flavour } from '../firewall/facts/facts.ts'
import { kindOf, timestamp } from './api/control-plane.ts'
import { writeObject } from './api/write.ts'
import type { Cluster } from './cluster.ts'
import { fieldsOf, listOf } from './json.ts'
import { calicoNodeEnv } from './seed/calico-seed.ts'
import { type Machine, nodeName } from './seed/machines.ts'
import { calicoNodePod, nodeObject } from './seed/node-objects.ts'
import { plant } from './seed/plant.ts'

/** Boots a node: its Node object, its agents, and its calico-node pod, which has no address yet and gets one `podMs` later, still unready. */
export const joinNode = (cluster: Cluster, machine: Machine, flavour: Flavour, podMs: number, onBug: (error: unknown) => void): string => {
  const { plane } = cluster
  const name = nodeName(machine)
  const time = timestamp(plane.clock)
  plant(plane, nodeObject(machine, time))
  const pod = calicoNodePod(machine, calicoNodeEnv(flavour), time)
  const status = fieldsOf(pod['status'])
  const conditions = listOf(status['conditions']).map((one) => ({ ...fieldsOf(one), status: 'False' }))
  const planted = plant(plane, { ...pod, status: { phase: 'Pending', conditions } })
  cluster.startNode(name)
  const address = async (): Promise<void> => {
    await plane.clock.sleep(podMs)
    const call = { user: `system:node:${name}`, manager: 'kubelet', subresource: 'status' } as const
    const addressed = { phase: 'Pending', conditions, hostIP: machine.address, podIP: machine.address, podIPs: [{ ip: machine.address }] }
    writeObject(plane, kindOf(plane, 'v1', 'Pod'), { ...planted, status: addressed }, planted, call)
  }
  address().catch(onBug)
  return name
}
