import type { FailsafePort } from '../../calico/shapes.ts'
import { type Address, familyOf } from '../../net/address.ts'
import { type Cidr, contains } from '../../net/cidr.ts'
import type { PortProtocol } from '../../net/port.ts'
import { byText } from '../by-text.ts'
import type { Facts, ServiceFacts } from '../facts/facts.ts'
import type { AllowEntry, HostFirewall } from '../file/host-firewall.ts'
import { opens } from './failsafe-change.ts'

/** One port of the cluster that is dialled from outside. */
export interface Door {
  readonly kind: 'NodePort' | 'health-check NodePort' | 'VIP'
  /** Absent for NodePorts: they stand on every node's addresses. */
  readonly address?: Address
  readonly protocol: PortProtocol
  readonly port: number
  /** `default/app1`. */
  readonly service: string
}

/** Every NodePort, load balancer address and external IP, sorted by address, port and Service. */
export const doorsOf = ({ services }: Pick<Facts, 'services'>): Door[] =>
  services
    .flatMap((service): Door[] => [...nodeDoors(service), ...vipDoors(service)])
    .sort((one, other) => byText(one.address ?? '', other.address ?? '') || one.port - other.port || byText(one.service, other.service))

const nodeDoors = ({ namespace, name, ports, healthCheckNodePort }: ServiceFacts): Door[] => {
  const service = `${namespace}/${name}`
  const doors = ports.flatMap(({ protocol, nodePort }): Door[] =>
    nodePort === undefined ? [] : [{ kind: 'NodePort', protocol, port: nodePort, service }],
  )
  return healthCheckNodePort === undefined
    ? doors
    : [...doors, { kind: 'health-check NodePort', protocol: 'TCP', port: healthCheckNodePort, service }]
}

const vipDoors = ({ namespace, name, ports, loadBalancerIPs, externalIPs }: ServiceFacts): Door[] =>
  [...new Set([...loadBalancerIPs, ...externalIPs])].flatMap((address) =>
    ports.map(({ protocol, port }): Door => ({ kind: 'VIP', address, protocol, port, service: `${namespace}/${name}` })),
  )

/** Who reaches a port of an address once the firewall is closed, trusted networks aside. */
export type Reach =
  | { readonly to: 'everyone'; readonly by: 'failsafe' | 'allow' }
  | { readonly to: 'some'; readonly nets: readonly Cidr[] }
  | { readonly to: 'nobody' }

/** One destination: an address, or any node's addresses. */
export interface Target {
  readonly address: Address | 'nodes'
  readonly protocol: PortProtocol
  readonly port: number
}

/**
 * Who reaches a target, by the failsafes in force afterwards and the file's allow entries. A failsafe comes first: it accepts by port alone,
 * whatever the destination, before any policy.
 */
export const reachOf = (
  { address, protocol, port }: Target,
  firewall: HostFirewall,
  failsafes: readonly FailsafePort[],
  nodeAddresses: ReadonlySet<Address>,
): Reach => {
  if (opens(failsafes, { protocol, port })) return { to: 'everyone', by: 'failsafe' }
  const nets: Cidr[] = []
  for (const entry of firewall.spec.allow) {
    if (!entryOpens(entry, { address, protocol, port }, nodeAddresses)) continue
    if (entry.from === undefined) return { to: 'everyone', by: 'allow' }
    nets.push(...entry.from.nets.filter((net) => address === 'nodes' || familyOf(net) === familyOf(address)))
  }
  return nets.length === 0 ? { to: 'nobody' } : { to: 'some', nets }
}

/** Whether an allow entry opens a target, to whomever. */
export const entryOpens = (entry: AllowEntry, { address, protocol, port }: Target, nodeAddresses: ReadonlySet<Address>): boolean =>
  carries(entry, protocol, port) && isTo(entry, address, nodeAddresses)

const carries = ({ traffic }: AllowEntry, protocol: PortProtocol, port: number): boolean =>
  traffic.some((one) => one.protocol === protocol && (one.ports.length === 0 || one.ports.some(({ first, last }) => first <= port && port <= last)))

const isTo = ({ to }: AllowEntry, address: Address | 'nodes', nodeAddresses: ReadonlySet<Address>): boolean => {
  if (address === 'nodes') return 'nodes' in to
  return 'nodes' in to ? nodeAddresses.has(address) : to.nets.some((net) => contains(net, address))
}
