import type { Facts } from '../firewall/facts.ts'
import type { World } from './model.ts'

/**
 * The world as discovery found it. API addresses that are no node's float over the control-plane nodes: keepalived and kube-vip keep them there.
 * Where the cluster shows no control-plane node they are nobody's.
 */
export const worldOf = (facts: Facts): World => {
  const controlPlane = facts.nodes.filter((node) => node.controlPlane).map(({ name }) => name)
  const unowned = facts.apiEndpoints.filter(({ node }) => node === undefined)
  return {
    dataplane: facts.calico.dataplane,
    proxyMode: facts.kubeProxy.mode,
    nodes: facts.nodes,
    podCidrs: facts.podCidrs,
    ...(facts.ipPools === undefined ? {} : { ipPools: facts.ipPools }),
    floating: controlPlane.length === 0 ? [] : unowned.map(({ address }) => ({ address, nodes: controlPlane })),
    services: facts.services,
    failsafes: facts.failsafes,
    hostEndpoints: facts.hostEndpoints,
    policies: facts.policies,
    networkSets: facts.networkSets,
    tiers: facts.tiers,
  }
}
