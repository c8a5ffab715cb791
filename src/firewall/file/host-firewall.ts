import type { Cidr } from '../../net/cidr.ts'
import type { PortRange, Protocol } from '../../net/port.ts'

/** A Kubernetes LabelSelector; `{}` matches every node. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}

/** Which NICs of which nodes become HostEndpoints. */
export interface InterfaceSelection {
  readonly nodeSelector: LabelSelector
  readonly names: readonly string[]
  /** Put on the HostEndpoints. */
  readonly labels: Readonly<Record<string, string>>
}

/** What an allow entry lets through. No `ports` means every port of the protocol; one by number has none. */
export interface Traffic {
  readonly protocol: Protocol
  readonly ports: readonly PortRange[]
}

/**
 * One opening: a destination always, sources optionally. A port without destination would open pods too: Felix judges what it
 * forwards by the same preDNAT policy.
 */
export interface AllowEntry {
  readonly name: string
  readonly to: { readonly nodes: true } | { readonly nets: readonly Cidr[] }
  /** Absent: from everywhere. */
  readonly from?: { readonly nets: readonly Cidr[] }
  readonly traffic: readonly Traffic[]
}

/** One thing nodes may send beside what they live on. */
export interface EgressEntry {
  readonly name: string
  readonly to: { readonly nets: readonly Cidr[] }
  readonly traffic: readonly Traffic[]
}

/** A port added to Felix's failsafes, for everyone: another entry narrows nothing. */
export interface ExtraFailsafe {
  readonly protocol: 'TCP' | 'UDP'
  readonly port: number
}

/** Failsafes that are taken from everyone but some networks and the nodes: SSH and the API of a node, as a rule. */
export interface NarrowedFailsafes {
  readonly ports: readonly ExtraFailsafe[]
  readonly from: readonly Cidr[]
}

/** The version of the file this tool reads and writes. */
export const firewallApiVersion = 'calico-fw.github.io/v1alpha1'

/** The firewall a user wants: one small file, kept in git if they like, and in the cluster by the tool. */
export interface HostFirewall {
  readonly apiVersion: typeof firewallApiVersion
  readonly kind: 'HostFirewall'
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly interfaces: readonly InterfaceSelection[]
    readonly trustedNets: readonly Cidr[]
    readonly allow: readonly AllowEntry[]
    /** What nodes may send to others than nodes, pods, Services and trusted networks; absent: everything. Pods have their own policies. */
    readonly egress?: readonly EgressEntry[]
    readonly extraFailsafePorts: { readonly inbound: readonly ExtraFailsafe[]; readonly outbound: readonly ExtraFailsafe[] }
    readonly narrowFailsafes?: readonly NarrowedFailsafes[]
    /** Who may ping: with `trusted` nodes and trusted networks alone; absent: everyone. */
    readonly icmp?: 'trusted'
  }
}
