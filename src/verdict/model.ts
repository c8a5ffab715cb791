import type { Direction, EffectiveFailsafes } from '../calico/failsafes.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, RuleProtocol, Tier } from '../calico/shapes.ts'
import type { Dataplane, NodeFacts, ProxyMode, ServiceFacts } from '../firewall/facts.ts'
import type { Address } from '../net/address.ts'
import type { Cidr } from '../net/cidr.ts'

/** All a verdict depends on: the cluster's shape and the Calico objects in force. */
export interface World {
  readonly dataplane: Dataplane
  readonly proxyMode: ProxyMode
  readonly nodes: readonly NodeFacts[]
  readonly podCidrs: readonly Cidr[]
  readonly services: readonly ServiceFacts[]
  readonly failsafes: Readonly<Record<string, Readonly<Record<Direction, EffectiveFailsafes>>>>
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly networkSets: readonly NetworkSet[]
  readonly tiers: readonly Tier[]
}

/** A fresh connection attempt: who calls whom. A node or pod address as source means that node or pod calls. */
export interface Connection {
  readonly source: Address
  readonly destination: Address
  readonly protocol: RuleProtocol
  /** Destination port; absent for protocols without ports. */
  readonly port?: number
  readonly icmp?: { readonly type: number; readonly code: number }
}

/** One link in the chain of reasons. */
export interface Decision {
  /** The node that decides. */
  readonly node: string
  readonly stage: 'failsafe' | 'preDNAT' | 'service' | 'normal' | 'forward' | 'profile' | 'route'
  readonly policy?: string
  readonly rule?: number
  readonly text: string
}

/** What becomes of a connection. `unknown` where the model does not know; it never guesses. */
export interface Verdict {
  readonly action: 'allow' | 'deny' | 'unknown'
  readonly decisions: readonly Decision[]
}
