import { createHash } from 'node:crypto'
import type { Variant } from './options.ts'

/** A machine with one foot in the LAN or beyond it. */
export interface Host {
  /** What people and tests call it: `ws1`, `adm`, `win`. */
  readonly name: string
  readonly namespace: string
  readonly nic: string
  readonly address: string
  readonly address6?: string
  /** In a network of its own behind the nodes' second NICs. */
  readonly isSecond?: true
}

/** A machine that is a Kubernetes node. */
export interface NodeHost extends Host {
  /** The Node object's name. */
  readonly fqdn: string
  readonly podCidr: string
  readonly podCidr6?: string
  readonly controlPlane: boolean
  /** Another NIC, in another network. */
  readonly second?: { readonly nic: string; readonly address: string }
  /** The NIC under a bridge that carries the address. */
  readonly port?: string
}

/** A pod with a network of its own. */
export interface PodHost extends Host {
  readonly podNamespace: string
  readonly labels: Readonly<Record<string, string>>
  /** The node's name it runs on. */
  readonly node: string
  /** The host side of its veth pair, named as Calico's CNI plugin names it. */
  readonly veth: string
}

/** Everything about a cluster that is known before it starts. Pure data. */
export interface Layout {
  readonly nodes: readonly NodeHost[]
  readonly pods: readonly PodHost[]
  /** Machines on the LAN that are no nodes: the operator and a client. */
  readonly neighbours: readonly Host[]
  /** Beyond the router. */
  readonly stranger: Host
  readonly switch: string
  readonly router: { readonly namespace: string; readonly lan: string; readonly wan: string }
  readonly podCidr: string
  readonly podCidr6?: string
  readonly serviceCidr: string
  readonly serviceCidr6?: string
  readonly apiServiceAddress: string
  /** The API server's own port on control-plane nodes, and its VIP behind a TCP proxy. */
  readonly api: { readonly port: number; readonly vip: string; readonly vipPort: number }
  readonly loadBalancer: string
  readonly nodePorts: { readonly cluster: number; readonly local: number; readonly http: number; readonly https: number }
  readonly clusterIps: { readonly cluster: string; readonly local: string; readonly ingress: string }
  /** TCP ports with a listener on every node, so that "closed" and "nobody home" differ; 23 and 31999 belong to no service. */
  readonly listeners: readonly number[]
}

const nic = 'ens160'
const lan = (octet: number) => `192.168.218.${octet}`
const homeNodes = [
  ['control1', 171],
  ['ws1', 174],
  ['ws2', 175],
  ['ws3', 176],
  ['ws4', 177],
] as const

const haNodes = [
  ['control1', 171],
  ['control2', 172],
  ['control3', 173],
  ['ws1', 174],
  ['ws2', 175],
] as const

/** The home cluster: one control-plane node, workers, an operator's host, a client, a router and a stranger behind it; or another shape of it. */
export const layoutOf = ({ nodes: count, shape = 'home' }: Pick<Variant, 'nodes'> & Partial<Pick<Variant, 'shape'>>, prefix: string): Layout => {
  const isDual = shape === 'dual'
  const host = (name: string, octet: number): Host => ({
    name,
    namespace: `${prefix}${name}`,
    nic: 'eth0',
    address: lan(octet),
    ...(isDual ? { address6: `fd00:218::${octet}` } : {}),
  })
  const nodes = (shape === 'ha' ? haNodes : homeNodes).slice(0, count).map(
    ([name, octet], index): NodeHost => ({
      ...host(name, octet),
      // As people do for virtual machines on a node: the bridge is the interface, the NIC its port.
      ...(shape === 'two-nic' && name === 'ws2' ? { nic: 'br0', port: nic } : { nic }),
      ...(shape === 'two-nic' ? { second: { nic: 'ens224', address: `192.168.219.${octet}` } } : {}),
      fqdn: `${name}.kryukov.local`,
      podCidr: `10.233.${64 + index}.0/24`,
      ...(isDual ? { podCidr6: `fd00:233:0:${index}::/64` } : {}),
      controlPlane: name.startsWith('control'),
    }),
  )
  const pod = (node: NodeHost, index: number): PodHost => ({
    ...podOn(node, `app1-${node.name}`, 'default', `10.233.${64 + index}.2`, { app: 'app1' }, prefix),
    ...(isDual ? { address6: `fd00:233:0:${index}::2` } : {}),
  })
  const storage: Host = { name: 'stg', namespace: `${prefix}stg`, nic: 'eth0', address: '192.168.219.53', isSecond: true }
  return {
    nodes,
    pods: nodes.map(pod),
    neighbours: [host('adm', 170), host('win', 53), ...(shape === 'two-nic' ? [storage] : [])],
    stranger: { name: 'inet', namespace: `${prefix}inet`, nic: 'eth0', address: '203.0.113.9' },
    switch: `${prefix}sw`,
    router: { namespace: `${prefix}gw`, lan: lan(1), wan: '203.0.113.1' },
    podCidr: '10.233.64.0/18',
    serviceCidr: '10.233.0.0/18',
    ...(isDual ? { podCidr6: 'fd00:233::/48', serviceCidr6: 'fd00:10::/112' } : {}),
    apiServiceAddress: '10.233.0.1',
    api: { port: shape === 'odd-port' ? 8443 : 6443, vip: lan(189), vipPort: 7443 },
    loadBalancer: lan(180),
    nodePorts: { cluster: 31110, local: 31852, http: 30880, https: 30843 },
    clusterIps: { cluster: '10.233.11.10', local: '10.233.11.52', ingress: '10.233.10.80' },
    listeners: [22, 23, 9100, 31999],
  }
}

/** A pod of the lab, with the interface name Calico's CNI plugin would give it: `cali` and 11 hex digits of sha1("namespace.name"). */
export const podOn = (
  node: Host,
  name: string,
  podNamespace: string,
  address: string,
  labels: Readonly<Record<string, string>>,
  prefix: string,
): PodHost => ({
  name,
  namespace: `${prefix}p-${name}`,
  nic: 'eth0',
  address,
  podNamespace,
  labels,
  node: node.name,
  veth: `cali${createHash('sha1').update(`${podNamespace}.${name}`).digest('hex').slice(0, 11)}`,
})

/** Every place a packet can start from: neighbours, the stranger, nodes, pods. */
export const vantages = (layout: Layout): readonly Host[] => [...layout.neighbours, layout.stranger, ...layout.nodes, ...layout.pods]

/**
 * The place of a name.
 * @throws Error listing the names there are
 */
export const hostNamed = (layout: Layout, name: string): Host => {
  const found = vantages(layout).find((host) => host.name === name)
  if (found === undefined)
    throw new Error(
      `no place named ${name}; there are ${vantages(layout)
        .map((host) => host.name)
        .join(', ')}`,
    )
  return found
}
