import type { Address } from '../../net/address.ts'
import type { PortProtocol } from '../../net/port.ts'

/** Something found, with who says so. */
export interface Sourced {
  readonly name: string
  /** For example `kubelet version v1.36.3+k3s1`. */
  readonly source: string
}

/** One setting of Felix that is not left to its default, as it is in force on nodes without one of their own. */
export interface FelixSetting extends Sourced {
  readonly value: string
}

/** Where the API server keeps everything. */
export interface EtcdFacts {
  readonly members: readonly { readonly address: Address; readonly port: number; readonly node?: string }[]
  /** Ports members speak to each other by. */
  readonly peerPorts: readonly number[]
  readonly source: string
}

/** A router or route server outside, that Calico or MetalLB speaks BGP with. */
export interface BgpPeer extends Sourced {
  readonly address: Address
  /** Its failure detection (RFC 5880) is on: 3784/udp both ways. */
  readonly bfd: boolean
  /** Who speaks to it: Calico listens itself, MetalLB only calls. */
  readonly by: 'Calico' | 'MetalLB'
}

/** BGP between the nodes, and with routers. */
export interface BgpFacts {
  /** Calico's own listen port. */
  readonly port: number
  /** Every node with every other. */
  readonly mesh: boolean
  readonly peers: readonly BgpPeer[]
}

/** A program on nodes that others on the network rely on: MetalLB's speaker, kube-vip, keepalived, HAProxy. */
export interface ProgramFacts extends Sourced {
  readonly kind: 'MetalLB' | 'kube-vip' | 'keepalived' | 'HAProxy'
  /** Where it runs; absent: on every node. */
  readonly nodes?: readonly string[]
  /** What it is reached by, as far as its own command line and environment tell; VRRP is protocol 112. */
  readonly ports: readonly { readonly protocol: PortProtocol | 112; readonly port?: number }[]
  /** The VIP it holds, where it tells. */
  readonly vip?: Address
}

/** How the operator reaches the cluster. */
export interface OperatorPath {
  /** `tunnel`: the kubeconfig names this machine itself, so something here leads on. */
  readonly via: 'direct' | 'proxy' | 'tunnel'
  /** Addresses of ours that a control-plane node itself has a connection to its API from: no NAT is between. */
  readonly confirmed: readonly Address[]
  /** Whether anybody could look. */
  readonly looked: boolean
  /** This machine is somebody's jump host: the other end of the SSH session the tool runs in. */
  readonly jumpedFrom?: Address
}

/** What else a cluster lives on, besides its API, nodes and Services. */
export interface Components {
  /** kubeadm, RKE2, k3s, ... */
  readonly distribution: Sourced
  /** Who keeps Calico itself: its operator, Helm, Argo CD, Flux, or whoever applied its manifests. */
  readonly calicoOwner: Sourced
  readonly felixSettings: readonly FelixSetting[]
  readonly etcd?: EtcdFacts
  readonly bgp: BgpFacts
  readonly programs: readonly ProgramFacts[]
  /** Where nodes were seen to ask for the time. */
  readonly timeServers: readonly Address[]
  /** Aggregated APIs that do not answer. */
  readonly unavailableApis: readonly string[]
  readonly operator: OperatorPath
}
