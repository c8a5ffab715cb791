import type { Direction, EffectiveFailsafes } from '../calico/failsafes.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, RuleProtocol, Tier } from '../calico/shapes.ts'
import type { Dataplane, HostPortFacts, IpPoolFacts, NodeFacts, ProxyMode, ServiceFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import type { Cidr } from '../net/cidr.ts'
import type { FelixSettings } from './felix-settings.ts'

/** All a verdict depends on: the cluster's shape and the Calico objects in force. */
export interface World {
  readonly dataplane: Dataplane
  readonly proxyMode: ProxyMode
  /** Networks on whose node addresses kube-proxy serves NodePorts; absent: its default, every address in iptables mode and the primary ones in nftables mode. */
  readonly nodePortAddresses?: readonly string[]
  /** Absent: nobody told; then a pod reaches its own node as Calico's installers have it, and tunnels use their usual ports. */
  readonly felix?: FelixSettings
  readonly nodes: readonly NodeFacts[]
  readonly podCidrs: readonly Cidr[]
  /** Decides whether pods' packets cross the nodes' network encapsulated and under whose address; absent: both count as possible. */
  readonly ipPools?: readonly IpPoolFacts[]
  /** kube-proxy's cluster CIDRs: it masquerades what comes to a ClusterIP from elsewhere. Absent: nobody told. */
  readonly clusterCidrs?: readonly Cidr[]
  /** Addresses one of several nodes holds, nobody knows which: an API VIP kept by keepalived or kube-vip. */
  readonly floating?: readonly { readonly address: Address; readonly nodes: readonly string[] }[]
  readonly services: readonly ServiceFacts[]
  /** Ports of nodes that lead to pods on them; absent: nobody looked, and such a port counts as a host process's. */
  readonly hostPorts?: readonly HostPortFacts[]
  readonly failsafes: Readonly<Record<string, Readonly<Record<Direction, EffectiveFailsafes>>>>
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly networkSets: readonly NetworkSet[]
  readonly tiers: readonly Tier[]
}

/** A connection attempt, fresh unless `established`: who calls whom. A node or pod address as source means that node or pod calls. */
export interface Connection {
  readonly source: Address
  readonly destination: Address
  readonly protocol: RuleProtocol
  /** Destination port; absent for protocols without ports. */
  readonly port?: number
  /** The caller's port; absent: its kernel picks one, and a rule that names source ports may match or not. */
  readonly sourcePort?: number
  readonly icmp?: { readonly type: number; readonly code: number }
  /** A later packet of a connection that stood before any of this was written. */
  readonly established?: boolean
  /**
   * The node a packet from outside comes in by, where the destination does not say: a VIP, a pod, 127.0.0.0/8. Absent: any of them.
   * For multicast and link-local destinations the node that is asked about; absent: only the sender's side is.
   */
  readonly via?: string
}

/** One link in the chain of reasons. */
export interface Decision {
  /** The node that decides. */
  readonly node: string
  readonly stage: 'established' | 'doNotTrack' | 'failsafe' | 'preDNAT' | 'service' | 'normal' | 'forward' | 'profile' | 'route'
  readonly policy?: string
  /** Index in the policy's ingress or egress list, from 0. */
  readonly rule?: number
  readonly text: string
}

/** What becomes of a connection. `unknown` where the model does not know; it never guesses. */
export interface Verdict {
  readonly action: 'allow' | 'deny' | 'unknown'
  readonly decisions: readonly Decision[]
}
