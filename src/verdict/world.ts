import type { Facts } from '../firewall/facts.ts'
import type { Address } from '../net/address.ts'
import { contains } from '../net/cidr.ts'
import { felixSettings } from './felix-settings.ts'
import type { World } from './model.ts'

/**
 * The world as discovery found it. API addresses that are no node's float over the control-plane nodes: keepalived and kube-vip keep them there.
 * They are nobody's where the cluster shows no control-plane node, or where they lie outside every network those nodes are known to stand in.
 */
export const worldOf = (facts: Facts): World => ({
  dataplane: facts.calico.dataplane,
  proxyMode: facts.kubeProxy.mode,
  ...(facts.kubeProxy.nodePortAddresses === undefined ? {} : { nodePortAddresses: facts.kubeProxy.nodePortAddresses }),
  ...(facts.components === undefined ? {} : { felix: felixSettings(facts.components.felixSettings) }),
  nodes: facts.nodes,
  podCidrs: facts.podCidrs,
  ...(facts.ipPools === undefined ? {} : { ipPools: facts.ipPools }),
  floating: floatingOf(facts),
  services: facts.services,
  ...(facts.hostPorts === undefined ? {} : { hostPorts: facts.hostPorts }),
  failsafes: facts.failsafes,
  hostEndpoints: facts.hostEndpoints,
  policies: facts.policies,
  networkSets: facts.networkSets,
  tiers: facts.tiers,
})

const floatingOf = ({ nodes, apiEndpoints }: Facts): NonNullable<World['floating']> => {
  const controlPlane = nodes.filter((node) => node.controlPlane)
  const isNear = (address: Address) =>
    controlPlane.some(({ networks }) => networks === undefined || networks.length === 0 || networks.some((network) => contains(network, address)))
  const unowned = apiEndpoints.filter(({ node, address }) => node === undefined && isNear(address))
  return unowned.map(({ address }) => ({ address, nodes: controlPlane.map(({ name }) => name) }))
}
