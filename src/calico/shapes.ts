import type { KubeObject } from './object.ts'

/** A protocol by name or number (1 to 255), as Calico rules write it. */
export type RuleProtocol = 'TCP' | 'UDP' | 'SCTP' | 'UDPLite' | 'ICMP' | 'ICMPv6' | number

/** One side of a Calico rule. */
export interface EntityRule {
  readonly nets?: readonly string[]
  readonly notNets?: readonly string[]
  readonly selector?: string
  readonly notSelector?: string
  readonly namespaceSelector?: string
  readonly services?: { readonly name: string; readonly namespace?: string }
  readonly ports?: readonly (number | string)[]
  readonly notPorts?: readonly (number | string)[]
  readonly serviceAccounts?: { readonly names?: readonly string[]; readonly selector?: string }
}

/** A rule of a GlobalNetworkPolicy (projectcalico.org/v3). */
export interface Rule {
  readonly action: 'Allow' | 'Deny' | 'Log' | 'Pass'
  readonly ipVersion?: 4 | 6
  readonly protocol?: RuleProtocol
  readonly notProtocol?: RuleProtocol
  readonly icmp?: { readonly type?: number; readonly code?: number }
  readonly notICMP?: { readonly type?: number; readonly code?: number }
  readonly source?: EntityRule
  readonly destination?: EntityRule
}

/** Spec of a GlobalNetworkPolicy. */
export interface PolicySpec {
  readonly tier?: string
  readonly order?: number
  readonly selector?: string
  readonly namespaceSelector?: string
  readonly serviceAccountSelector?: string
  readonly types?: readonly ('Ingress' | 'Egress')[]
  readonly ingress?: readonly Rule[]
  readonly egress?: readonly Rule[]
  readonly doNotTrack?: boolean
  readonly preDNAT?: boolean
  readonly applyOnForward?: boolean
}

/** A GlobalNetworkPolicy. */
export interface GlobalNetworkPolicy extends KubeObject {
  readonly spec: PolicySpec
}

/** A HostEndpoint: puts one interface of one node under policy. */
export interface HostEndpoint extends KubeObject {
  readonly spec: {
    readonly node: string
    readonly interfaceName?: string
    readonly expectedIPs?: readonly string[]
    readonly profiles?: readonly string[]
    readonly ports?: readonly { readonly name: string; readonly protocol: string; readonly port: number }[]
  }
}

/** A GlobalNetworkSet or NetworkSet. */
export interface NetworkSet extends KubeObject {
  readonly spec: { readonly nets?: readonly string[] }
}

/** One entry of a failsafe list. `net` is the remote side; absent means everyone. */
export interface FailsafePort {
  readonly protocol: string
  readonly port: number
  readonly net?: string
}

/** The failsafe fields of a FelixConfiguration; absent means Felix's defaults, `[]` means none at all. */
export interface FelixConfiguration extends KubeObject {
  readonly spec?: {
    readonly failsafeInboundHostPorts?: readonly FailsafePort[]
    readonly failsafeOutboundHostPorts?: readonly FailsafePort[]
    readonly nodeSelector?: string
    readonly bpfEnabled?: boolean
    readonly nftablesMode?: string
    readonly [field: string]: unknown
  }
}

/** A Tier. */
export interface Tier extends KubeObject {
  readonly spec?: { readonly order?: number; readonly defaultAction?: 'Deny' | 'Pass' }
}
