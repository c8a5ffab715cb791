import { standsWithNodes } from '../firewall/facts/api-places.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { felixSettings } from './felix-settings.ts'
import type { World } from './model.ts'

/**
 * The world as discovery found it. API addresses that are no node's float over the control-plane nodes: keepalived and kube-vip keep them there.
 * They are nobody's where the cluster shows no control-plane node, or where they do not stand with those nodes.
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

const floatingOf = (facts: Facts): NonNullable<World['floating']> => {
  const controlPlane = facts.nodes.filter((node) => node.controlPlane).map(({ name }) => name)
  const stands = standsWithNodes(facts)
  const unowned = controlPlane.length === 0 ? [] : facts.apiEndpoints.filter((endpoint) => endpoint.node === undefined && stands(endpoint))
  return unowned.map(({ address }) => ({ address, nodes: controlPlane }))
}
