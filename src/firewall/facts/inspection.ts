import type { Address, Family } from '../../net/address.ts'

/** What an interface is, as the kernel tells it; `nic` is a device without a driver of its own in the network stack: hardware or a virtual card. */
export type InterfaceKind = 'nic' | 'bond' | 'bridge' | 'vlan' | 'vrf' | 'veth' | 'tunnel' | 'loopback' | 'other'

/** One address of an interface. */
export interface InspectedAddress {
  readonly address: Address
  /** Prefix length. */
  readonly prefix: number
  /** Stands alone (/32, /128) inside the network of another address of the interface: a VIP that keepalived, kube-vip or the like moves between nodes. */
  readonly floating?: true
}

/** One interface as `ip` in calico-node shows it. */
export interface InspectedInterface {
  readonly name: string
  readonly kind: InterfaceKind
  readonly up: boolean
  readonly addresses: readonly InspectedAddress[]
  /** The bond, bridge or VRF it belongs to. */
  readonly master?: string
  /** The interface a VLAN or the like stands on. */
  readonly parent?: string
  readonly vlanId?: number
  /** Interfaces that belong to this one. */
  readonly members?: readonly string[]
}

/** Which of Linux's three packet filters a rule stands in. */
export type FilterBackend = 'iptables-legacy' | 'iptables-nft' | 'nftables'

/** A rule of the node's own, none of Calico's or Kubernetes', that drops or rejects what comes in for the node itself. */
export interface HostInputRule {
  readonly backend: FilterBackend
  /** `inet` is nftables' table for both families. */
  readonly family: Family | 'inet'
  /** The way to it, for example `INPUT -> ufw-user-input`. */
  readonly chain: string
  /** As the backend prints it. */
  readonly text: string
  /**
   * Calico's accept of a HostEndpoint's packet ends the chain before it: what it closes opens with the HostEndpoint. An accept ends its own chain alone,
   * so this is true only of iptables rules that stand in the same backend as Calico's.
   */
  readonly bypassed: boolean
}

/** What a look into one node found. */
export interface Inspection {
  /** RFC 3339. */
  readonly at: string
  /** For example `exec in Pod calico-system/calico-node-x7k2p`. */
  readonly source: string
  readonly interfaces: readonly InspectedInterface[]
  /** Ways out to everywhere, the preferred one of each family first. */
  readonly defaultRoutes: readonly { readonly family: Family; readonly device: string; readonly via?: Address }[]
  /** The interface that holds the node's InternalIP, and that a HostEndpoint names. */
  readonly nodeInterface?: string
  /** At most 50 of them. Absent where they could not be read. */
  readonly hostInput?: readonly HostInputRule[]
  /** How many there are in all, where that is more. */
  readonly hostInputTotal?: number
  /** Where rules of Calico and of kube-proxy stand; more than one for either, or different ones, confuses both (calico#8025). */
  readonly backends: { readonly calico: readonly FilterBackend[]; readonly kubeProxy: readonly FilterBackend[] }
  /** Kernel settings by their name below /proc/sys, with dots. Absent ones do not exist on the node. */
  readonly sysctls: Readonly<Record<string, string>>
  /** Where the node was seen to ask for the time at that moment. */
  readonly timeServers?: readonly Address[]
  /** Addresses of the operator's machine with a connection to an API server on the node; absent where nobody asked. */
  readonly operatorSeen?: readonly Address[]
  /** What the look did not show, with why. */
  readonly unseen: readonly string[]
}
