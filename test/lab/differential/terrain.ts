import { type Layout, type NodeHost, vantages } from '../layout.ts'

/** The lab's cluster as the generator sees it: whom packets come from and go to, and what is worth a rule. */
export interface Terrain {
  readonly nodes: readonly NodeHost[]
  /** Addresses that Services answer on beside their ClusterIP, each held by a node. */
  readonly held: readonly { readonly address: string; readonly node: string }[]
  /** Every address worth a packet. */
  readonly addresses: readonly string[]
  /** Nets worth a rule: none of them /0. */
  readonly nets: readonly string[]
  readonly pods: readonly string[]
}

/** NodePorts of the generated Services: nodes listen there themselves, for who calls a Service that nobody serves may reach the node behind it. */
export const nodePorts = Array.from({ length: 8 }, (_, index) => 30_100 + index)

/** TCP ports every machine listens on in a differential lab, so that "open" shows. */
export const tcpPorts = [22, 23, 80, 179, 443, 2379, 7443, 8080, 9100, 31999] as const
/** UDP ports every machine echoes on. */
export const udpPorts = [53, 68, 4789, 9100] as const

/** Extra addresses on nodes: the LoadBalancer's and the API's VIP on the first, external IPs on the others. */
const heldAddresses = (layout: Layout): Terrain['held'] => {
  const [first, ...others] = layout.nodes
  return [
    ...(first === undefined ? [] : [layout.loadBalancer, layout.api.vip].map((address) => ({ address, node: first.name }))),
    ...others.map((node, index) => ({ address: `192.168.218.${181 + index}`, node: node.name })),
  ]
}

/** What a layout offers. */
export const terrainOf = (layout: Layout): Terrain => {
  const held = heldAddresses(layout)
  const machines = vantages(layout).map(({ address }) => address)
  return {
    nodes: layout.nodes,
    held,
    addresses: [...machines, ...held.map(({ address }) => address)],
    nets: [
      ...machines.map((address) => `${address}/32`),
      ...held.map(({ address }) => `${address}/32`),
      ...['192.168.218.0/24', '192.168.218.0/25', '192.168.218.128/25', '192.168.218.160/28', '192.168.218.174/31'],
      ...['203.0.113.0/24', '10.0.0.0/8', '0.0.0.0/1', '128.0.0.0/1'],
      ...[layout.podCidr, layout.serviceCidr, ...layout.nodes.map(({ podCidr }) => podCidr)],
    ],
    pods: layout.pods.map(({ address }) => address),
  }
}
