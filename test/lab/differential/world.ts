import type { NodeFacts } from '../../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../../src/net/address.ts'
import type { World } from '../../../src/verdict/model.ts'
import type { Lab } from '../lab.ts'
import { worldOf } from '../truth.ts'
import type { Era, ObjectSet } from './object-set.ts'
import type { Terrain } from './terrain.ts'

/** The world the model judges in: the lab's cluster, the addresses its nodes hold beside their own, an era, and one set of objects. */
export const worldWith = (lab: Pick<Lab, 'layout' | 'variant'>, { held }: Terrain, era: Era, objects: ObjectSet): World => {
  const base = worldOf(lab)
  const nodes = base.nodes.map((node): NodeFacts => {
    const own = held
      .filter((one) => lab.layout.nodes.some(({ name, fqdn }) => name === one.node && fqdn === node.name))
      .map(({ address }) => parseAddress(address))
    const [nic, ...rest] = node.interfaces
    return {
      ...node,
      otherAddresses: [...node.otherAddresses, ...own.map((address) => ({ address, source: 'the lab' }))],
      interfaces: [...(nic === undefined ? [] : [{ ...nic, addresses: [...nic.addresses, ...own] }]), ...rest],
    }
  })
  const list = (ports: Era['inbound']) => ({ ports, source: { kind: 'felixconfiguration' as const, name: 'default' } })
  const failsafes = { inbound: list(era.inbound), outbound: list(era.outbound) }
  return {
    ...base,
    ...objects,
    nodes,
    // As the lab starts kube-proxy.
    clusterCidrs: base.podCidrs,
    services: [...base.services, ...era.services],
    tiers: [...base.tiers, ...era.tiers],
    failsafes: Object.fromEntries(nodes.map(({ name }) => [name, failsafes])),
  }
}
