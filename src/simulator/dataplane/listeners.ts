import type { ServiceFacts } from '../../firewall/facts/facts.ts'
import type { Geography } from './geography.ts'

/** What stands behind a place and a port. */
export type Listener =
  /** The simulator's own API server. */
  | { readonly kind: 'api' }
  /** Something that accepts. */
  | { readonly kind: 'open' }
  /** A host that answers with a reset. */
  | { readonly kind: 'refused' }
  /** Nobody answers at all. */
  | { readonly kind: 'silent' }

/** Ports processes of the nodes listen on, on every address. */
export interface HostPorts {
  readonly everyNode: readonly number[]
  readonly controlPlane: readonly number[]
  /** On 127.0.0.1 only. */
  readonly loopback: readonly number[]
}

/** Host ports of the home cluster: SSH, telnet and an exporter to have something to close, kubelet, kube-proxy, and the control plane's. */
export const homePorts: HostPorts = {
  everyNode: [22, 23, 9100, 10_250, 10_256, 31_999],
  controlPlane: [2379, 2380, 6443],
  loopback: [2381, 9099, 10_248, 10_249, 10_257, 10_259],
}

/** Hosts outside the cluster, by name. They answer with a reset, so that what nodes send is seen to arrive. */
export const places: Readonly<Record<string, string>> = { operator: '192.168.218.170', win: '192.168.218.53', inet: '203.0.113.9' }
const outside = Object.values(places)

/** The port pods listen on. */
const podPort = 80

const usable = (service: ServiceFacts): Listener => (service.endpoints.length > 0 ? { kind: 'open' } : { kind: 'refused' })

/** Who answers at an address and port, if a packet gets there. `vips` are API VIPs: address to port, proxied to the API server. */
export const listenerAt = (
  { nodes, services, ipPools }: Geography,
  { hosts, vips }: { hosts: HostPorts; vips: ReadonlyMap<string, number> },
  destination: string,
  port: number,
  isPod: (pools: Geography['ipPools'], address: string) => boolean,
): Listener => {
  if (vips.get(destination) === port) return { kind: 'api' }
  if (destination.startsWith('127.')) return { kind: hosts.loopback.includes(port) || hosts.everyNode.includes(port) ? 'open' : 'refused' }
  const node = nodes.find(({ addresses, otherAddresses }) => [...addresses, ...otherAddresses].some(({ address }) => address === destination))
  if (node !== undefined) {
    const service = services.find(({ ports }) => ports.some(({ nodePort }) => nodePort === port))
    if (service !== undefined) return usable(service)
    if (node.controlPlane && port === 6443) return { kind: 'api' }
    const open = hosts.everyNode.includes(port) || (node.controlPlane && hosts.controlPlane.includes(port))
    return { kind: open ? 'open' : 'refused' }
  }
  const fronts = ({ clusterIPs, loadBalancerIPs, externalIPs }: ServiceFacts): readonly string[] => [
    ...clusterIPs,
    ...loadBalancerIPs,
    ...externalIPs,
  ]
  const known = services.filter((service) => fronts(service).includes(destination))
  const service = known.find(({ ports }) => ports.some((one) => one.port === port))
  if (service !== undefined) return service.namespace === 'default' && service.name === 'kubernetes' ? { kind: 'api' } : usable(service)
  if (known.length > 0) return { kind: 'silent' }
  if (isPod(ipPools, destination)) return { kind: port === podPort ? 'open' : 'refused' }
  return { kind: outside.includes(destination) ? 'refused' : 'silent' }
}
