import type { CompiledWorld } from './compiled-world.ts'
import { type Packet, protocols } from './packet.ts'

/** What Felix's filter table does to a tunnel's packet before any policy of a HostEndpoint; preDNAT (mangle) knows no such exemption. */
export type Exemption =
  | { readonly kind: 'none' }
  | { readonly kind: 'pass' | 'drop'; readonly text: string }
  /** Whether Felix runs this tunnel is not told; `otherwise` is what it does if so. */
  | { readonly kind: 'unknown'; readonly otherwise: 'pass' | 'drop'; readonly text: string }

/** Where WireGuard listens by Calico's defaults, over IPv4 and IPv6. */
const wireguardPorts = [51820, 51821]

/** IPIP, VXLAN or WireGuard on Calico's ports. */
export const isTunnel = ({ world, vxlanPort }: CompiledWorld, { protocol, port }: Packet): boolean => {
  if (protocol !== protocols.udp || port === undefined) return protocol === protocols.ipip
  return port === vxlanPort || (world.felix === undefined ? wireguardPorts : Object.values(world.felix.wireguard)).includes(port)
}

/**
 * felix/rules/static.go, filter INPUT and OUTPUT: IPIP and VXLAN pass between known nodes where a pool uses them, and from strangers they are
 * dropped on the way in; WireGuard passes from and to anybody where it is on, which no object read here tells.
 */
export const tunnelExemption = (
  { world, pools, isTunnelEnd, vxlanPort }: CompiledWorld,
  { source, destination, protocol, port }: Packet,
  direction: 'ingress' | 'egress',
): Exemption => {
  if (protocol === protocols.udp && port !== vxlanPort && world.felix !== undefined)
    return port === world.felix.wireguard[destination.family] ? { kind: 'pass', text: 'Felix lets WireGuard pass, from and to anybody' } : none
  if (protocol === protocols.udp && port !== vxlanPort)
    return { kind: 'unknown', otherwise: 'pass', text: 'whether Felix runs WireGuard, whose packets it lets pass, is not told' }
  const mode = protocol === protocols.ipip ? 'ipipMode' : 'vxlanMode'
  const used = pools?.some((pool) => pool[mode] !== 'Never')
  if (used === false) return none
  const between = isTunnelEnd(source) && isTunnelEnd(destination)
  if (!between && direction === 'egress') return none
  const kind = between ? 'pass' : 'drop'
  const text = between ? 'Felix lets tunnels between nodes pass' : 'Felix drops tunnel packets that come from no node'
  return used ? { kind, text } : { kind: 'unknown', otherwise: kind, text: `whether ${text} is not told: it depends on the IPPools` }
}

const none: Exemption = { kind: 'none' }

/** Felix drops tunnel packets that pods send, by their destination after DNAT, unless it is configured to allow them (felix/rules/endpoints.go `WorkloadEndpointToIptablesChains`). */
export const isForbiddenToPods = ({ vxlanPort }: CompiledWorld, { protocol, port }: Packet): boolean =>
  protocol === protocols.ipip || (protocol === protocols.udp && port === vxlanPort)
