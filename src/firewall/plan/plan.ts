import type { KubeObject, ObjectRef } from '../../calico/object.ts'
import type { FailsafePort } from '../../calico/shapes.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import type { Probe } from '../probes/probes.ts'

/** The one merge patch on FelixConfiguration `default`. Undo writes back exactly what was there, or null. */
export interface FailsafeChange {
  readonly ref: ObjectRef
  /** `undefined` where FelixConfiguration `default` does not exist yet: then the object is created. */
  readonly exists: boolean
  readonly before: { readonly inbound: readonly FailsafePort[] | null; readonly outbound: readonly FailsafePort[] | null }
  readonly after: { readonly inbound: readonly FailsafePort[]; readonly outbound: readonly FailsafePort[] }
  readonly added: readonly { readonly direction: 'inbound' | 'outbound'; readonly port: FailsafePort; readonly reason: string }[]
}

/** Failsafes that everyone had and only some keep: written under the armed gate, on one node before all. */
export interface Narrowing {
  /** FelixConfiguration `node.NAME` of one worker, gone again once all have the same; absent where no worker can be tried. */
  readonly trial?: { readonly node: string; readonly change: FailsafeChange }
  readonly all: FailsafeChange
}

/** Somebody else's firewall that falls away once ours is kept: HostEndpoints first, which ours stand before, then the policies that governed them. */
interface PlannedAdoption {
  readonly hostEndpoints: readonly KubeObject[]
  readonly policies: readonly KubeObject[]
  /** Policies that govern these interfaces and something else too: they are left. */
  readonly staying: readonly KubeObject[]
}

/** HostEndpoints written together, then probed. */
export interface Batch {
  readonly title: string
  readonly nodes: readonly string[]
  readonly hostEndpoints: readonly KubeObject[]
}

/** Something a reader of the plan must know. */
export interface Notice {
  readonly level: 'info' | 'warning'
  readonly text: string
}

/** One opening or closing in plain words. */
export interface Difference {
  readonly change: 'opens' | 'closes' | 'stays-open'
  /** `80/tcp and 443/tcp on 192.168.218.180`. */
  readonly what: string
  /** `everyone`, `192.168.218.53/32`. */
  readonly forWhom: string
  readonly because: string
}

/** Everything a run will do, decided before its first write. Pure data, byte-deterministic for the same file, facts and change number. */
export interface Plan {
  readonly change: number
  readonly firewall: HostFirewall
  readonly failsafes: FailsafeChange | undefined
  /** What closes besides HostEndpoints: absent where no failsafe gets narrower. */
  readonly narrowing?: Narrowing
  /** Whose place it takes, where it takes over another's firewall. */
  readonly adoption?: PlannedAdoption
  /** Written first and realised before any policy names them: a rule over a set that is not there matches nothing. Includes the nodes Service and the tool's namespace. */
  readonly sets: readonly KubeObject[]
  /** Base, allows, and where there are batches the gate policy: in this order. */
  readonly policies: readonly KubeObject[]
  /** The Job and the NetworkSet it owns; the set has no ownerReference yet, the Job's uid is known only once it is created. */
  readonly gate: { readonly job: KubeObject; readonly set: KubeObject }
  /** Workers first, one, then 2, 4, 8 ...; control-plane nodes one at a time, the one that carries our own path last. */
  readonly batches: readonly Batch[]
  /** The unconditional Deny, written by confirm alone. */
  readonly deny: KubeObject
  /**
   * What only the commit may do: writes and deletions that narrow a firewall already in force, and what falls away. Until then the old
   * sets and policies stay as wide as they were, and the gate policy alone tries the narrow ones. Written after `deny`, before the gate
   * goes. Both lists are empty for a first run.
   */
  readonly finish: { readonly write: readonly KubeObject[]; readonly remove: readonly ObjectRef[] }
  /** Creating it opens everything in one write. */
  readonly openSet: KubeObject
  readonly probes: readonly Probe[]
  readonly differences: readonly Difference[]
  readonly notices: readonly Notice[]
}
