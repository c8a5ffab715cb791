import type { IpPoolFacts } from '../firewall/facts/facts.ts'
import type { Ip, NetMatcher } from './ip.ts'
import { type Packet, protocols } from './packet.ts'

/** An IPPool that tells quickly what it holds. */
export interface Pool extends IpPoolFacts {
  readonly holds: NetMatcher
}

/** How packets for a pod cross the nodes' network: as they are, or inside tunnels. */
export interface Carriers {
  readonly isPlain: boolean
  /** The outer packets. */
  readonly tunnels: readonly Pick<Packet, 'protocol' | 'port'>[]
}

const ipip = { protocol: protocols.ipip, port: undefined }

/**
 * By the pool of the destination; CrossSubnet counts as both, and where the pools are not told everything is possible. Where WireGuard is on, it
 * carries pods' packets between nodes that have it, and the others' go as they would without.
 */
export const carriersOf = (
  pools: readonly Pool[] | undefined,
  destination: Ip,
  ports: { readonly vxlan: number; readonly wireguard: number | undefined },
): Carriers => {
  const vxlan = { protocol: protocols.udp, port: ports.vxlan }
  const wireguard = ports.wireguard === undefined ? [] : [{ protocol: protocols.udp, port: ports.wireguard }]
  const own = pools?.filter(({ holds }) => holds(destination))
  if (own === undefined) return { isPlain: true, tunnels: [vxlan, ipip, ...wireguard] }
  const used = (mode: 'vxlanMode' | 'ipipMode') => own.some((pool) => pool[mode] !== 'Never')
  return {
    isPlain: own.every(({ vxlanMode, ipipMode }) => vxlanMode !== 'Always' && ipipMode !== 'Always'),
    tunnels: [...(used('vxlanMode') ? [vxlan] : []), ...(used('ipipMode') ? [ipip] : []), ...wireguard],
  }
}
