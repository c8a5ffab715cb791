import type { ClusterContext } from './cluster/control-plane.ts'
import { processOn } from './cluster/control-plane.ts'
import type { NodeHost } from './layout.ts'
import { inNamespace, ip, sysctl } from './machine/namespaces.ts'
import { addAddresses } from './machine/network.ts'
import { run } from './machine/run.ts'
import { startForwarder } from './packets/agents.ts'

/** Starts a control-plane node's TCP proxy on the API VIP, as HAProxy beside keepalived: it listens before the node holds the address. */
export const startVipProxy = async (context: ClusterContext, node: NodeHost): Promise<void> => {
  const { state, layout } = context
  const { vip, vipPort, port } = layout.api
  await sysctl(node.namespace, { 'net.ipv4.ip_nonlocal_bind': 1 })
  startForwarder(state, processOn(context, node, 'haproxy'), node.namespace, `${vip}:${vipPort}`, `${node.address}:${port}`)
}

/** Moves the API VIP to another node, as keepalived does when its holder is lost, and tells the LAN. */
export const moveVip = async ({ layout }: ClusterContext, from: NodeHost, to: NodeHost): Promise<void> => {
  const { vip } = layout.api
  await ip(from.namespace, [`addr del ${vip}/32 dev ${from.nic}`])
  await addAddresses(to, [vip])
  // Neighbours believe the first answer they get; a gratuitous ARP would say the same.
  for (const { namespace, nic } of [...layout.nodes, ...layout.neighbours.filter(({ isSecond }) => isSecond !== true)])
    await run(inNamespace(namespace, ['ip', 'neigh', 'flush', 'to', vip, 'dev', nic]))
}
