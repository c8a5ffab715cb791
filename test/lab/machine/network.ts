import type { Host, Layout, NodeHost, PodHost } from '../layout.ts'
import { addNamespace, inNamespace, ip, sysctl } from './namespaces.ts'
import { run } from './run.ts'
import type { StateDir } from './state.ts'

const bridge = 'br0'
/** The network behind the nodes' second NICs. */
const secondBridge = 'br1'
const wide = 24

/** The switch: a bridge whose frames no iptables of the switch itself ever sees. */
export const makeSwitch = async (state: StateDir, layout: Layout): Promise<void> => {
  await addNamespace(state, layout.switch)
  await ip(
    layout.switch,
    [bridge, secondBridge].flatMap((name) => [`link add ${name} type bridge mcast_snooping 0`, `link set ${name} up`]),
  )
  await keepFilterOffBridges(layout.switch)
}

/** A new namespace starts with bridge-nf-call-iptables=1 where br_netfilter is loaded; where it is not, there is nothing to switch off. */
const keepFilterOffBridges = async (namespace: string): Promise<void> => {
  await run(inNamespace(namespace, ['bash', '-c', 'for f in /proc/sys/net/bridge/bridge-nf-call-*; do if [ -e "$f" ]; then echo 0 > "$f"; fi; done']))
}

/** Makes a machine on the LAN. It needs a default route even where nothing lies behind it: without one proxy-ARP never answers pods for 169.254.1.1. */
export const attach = async (state: StateDir, layout: Layout, host: Host): Promise<void> => {
  await addNamespace(state, host.namespace)
  await plug(layout, host.namespace, `v-${host.name}`, host.nic, host.isSecond ? secondBridge : bridge)
  await ip(host.namespace, [`link set ${host.nic} up`, ...addressesOf(host)])
  if (host.address !== layout.router.lan && !host.isSecond) await ip(host.namespace, [`route add default via ${layout.router.lan}`])
}

/** Wires an interface of a namespace to a bridge of the switch. */
const plug = async (layout: Layout, namespace: string, port: string, nic: string, into: string): Promise<void> => {
  await run(['ip', 'link', 'add', port, 'netns', layout.switch, 'type', 'veth', 'peer', 'name', nic, 'netns', namespace])
  await ip(layout.switch, [`link set ${port} master ${into} up`])
}

const addressesOf = ({ address, address6, nic }: Host): string[] => [
  `addr add ${address}/${wide} dev ${nic}`,
  ...(address6 === undefined ? [] : [`addr add ${address6}/64 dev ${nic} nodad`]),
]

/** The router and the stranger behind it. */
export const makeOutside = async (state: StateDir, layout: Layout): Promise<void> => {
  const { router, stranger } = layout
  await attach(state, layout, { name: 'gw', namespace: router.namespace, nic: 'lan0', address: router.lan })
  await addNamespace(state, stranger.namespace)
  await run(['ip', 'link', 'add', 'wan0', 'netns', router.namespace, 'type', 'veth', 'peer', 'name', stranger.nic, 'netns', stranger.namespace])
  await ip(router.namespace, ['link set wan0 up', `addr add ${router.wan}/${wide} dev wan0`])
  await sysctl(router.namespace, { 'net.ipv4.ip_forward': 1 })
  await ip(stranger.namespace, [
    `link set ${stranger.nic} up`,
    `addr add ${stranger.address}/${wide} dev ${stranger.nic}`,
    `route add default via ${router.wan}`,
  ])
}

/** A machine that forwards for its pods, with all its NICs. */
export const attachNode = async (state: StateDir, layout: Layout, node: NodeHost): Promise<void> => {
  if (node.port === undefined) await attach(state, layout, node)
  else await attachBridged(state, layout, node, node.port)
  if (node.second !== undefined) {
    const { nic, address } = node.second
    await plug(layout, node.namespace, `w-${node.name}`, nic, secondBridge)
    await ip(node.namespace, [`link set ${nic} up`, `addr add ${address}/${wide} dev ${nic}`])
  }
  await sysctl(node.namespace, { 'net.ipv4.ip_forward': 1, ...(node.address6 === undefined ? {} : { 'net.ipv6.conf.all.forwarding': 1 }) })
}

/** A machine whose address stands on a bridge over its NIC. */
const attachBridged = async (state: StateDir, layout: Layout, node: NodeHost, port: string): Promise<void> => {
  await addNamespace(state, node.namespace)
  // What DNAT leads on from a bridge whose frames are filtered goes back to the port it came from, and a share of NodePort connections is lost, whoever filters.
  await keepFilterOffBridges(node.namespace)
  await plug(layout, node.namespace, `v-${node.name}`, port, bridge)
  await ip(node.namespace, [
    `link add ${node.nic} type bridge mcast_snooping 0`,
    `link set ${port} master ${node.nic} up`,
    `link set ${node.nic} up`,
    ...addressesOf(node),
    `route add default via ${layout.router.lan}`,
  ])
}

/** Static routes to the pods of every other node; in a real cluster BIRD writes them. */
export const routePods = async (node: NodeHost, others: readonly NodeHost[]): Promise<void> => {
  await ip(
    node.namespace,
    others
      .filter((other) => other.name !== node.name)
      .flatMap(({ podCidr, podCidr6, address, address6 }) => [
        `route replace ${podCidr} via ${address}`,
        ...(podCidr6 === undefined || address6 === undefined ? [] : [`route replace ${podCidr6} via ${address6}`]),
      ]),
  )
}

/** Extra addresses on a node's NIC, as MetalLB and keepalived put theirs. */
export const addAddresses = (node: NodeHost, addresses: readonly string[]): Promise<void> =>
  ip(
    node.namespace,
    addresses.map((address) => `addr add ${address}/32 dev ${node.nic}`),
  )

/** A pod's end of the wire as Calico's CNI plugin makes it; Felix adds the host's route to it. */
export const attachPod = async (state: StateDir, node: NodeHost, pod: PodHost): Promise<void> => {
  await addNamespace(state, pod.namespace)
  await run(['ip', 'link', 'add', pod.veth, 'netns', node.namespace, 'type', 'veth', 'peer', 'name', pod.nic, 'netns', pod.namespace])
  await ip(node.namespace, [`link set ${pod.veth} address ee:ee:ee:ee:ee:ee up`])
  await ip(pod.namespace, [
    `link set ${pod.nic} up`,
    `addr add ${pod.address}/32 dev ${pod.nic}`,
    `route add 169.254.1.1 dev ${pod.nic} scope link`,
    `route add default via 169.254.1.1 dev ${pod.nic}`,
    ...(pod.address6 === undefined
      ? []
      : [`addr add ${pod.address6}/128 dev ${pod.nic} nodad`, `route add ::/0 via fe80::ecee:eeff:feee:eeee dev ${pod.nic}`]),
  ])
}
