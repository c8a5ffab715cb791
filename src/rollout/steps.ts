import type { KubeObject, ObjectRef } from '../calico/object.ts'
import type { FailsafeChange } from '../firewall/plan/plan.ts'
import type { BeforeImage } from './checkpoint.ts'

/** The gate's Job and NetworkSet of one change. */
export interface GateObjects {
  readonly job: KubeObject
  readonly set: KubeObject
}

/** Which probes must hold: `open` ones always, `closed` ones on these nodes. */
export interface ProbeScope {
  readonly closedNodes: readonly string[]
}

/**
 * One thing a run does. A run is a list of these, made before it starts and readable as data; {@link next} walks it,
 * the runner performs it. Each is idempotent, so that a repeated one after a crash changes nothing.
 */
export type Step =
  /** Create or take the Lease; every later write needs it. With `takeOver` also from a holder who has been silent for too long. */
  | { readonly kind: 'lock'; readonly title: string; readonly takeOver?: boolean }
  /** Server dry run of every write, and access reviews for what a dry run cannot ask. */
  | { readonly kind: 'preflight'; readonly title: string; readonly objects: readonly KubeObject[]; readonly failsafes?: readonly FailsafeChange[] }
  /** A set nothing selects, owned by a Job with a 3 s deadline, must vanish by itself: else this cluster cannot keep our promise. */
  | { readonly kind: 'rehearse'; readonly title: string; readonly gate: GateObjects }
  /** What works today. Later probes only ask for what worked here; `assume` asks for everything, where nobody saw the time before. */
  | { readonly kind: 'baseline'; readonly title: string; readonly assume?: true }
  /** Take over a gate another client armed. */
  | { readonly kind: 'find-gate'; readonly title: string; readonly gate: GateObjects }
  /** Save what the coming writes change. Nothing is written without a before-image. */
  | {
      readonly kind: 'checkpoint'
      readonly title: string
      readonly number: string
      readonly refs: readonly ObjectRef[]
      readonly failsafes?: FailsafeChange
      /** The failsafe lists a rollback writes, as FelixConfiguration spells them. */
      readonly wrote?: Readonly<Record<string, unknown>>
    }
  /** Server-side apply of objects that are ours. `closes` names the nodes a HostEndpoint batch closes. */
  | { readonly kind: 'write'; readonly title: string; readonly objects: readonly KubeObject[]; readonly closes: readonly string[] }
  /** Delete objects that are ours. `closes` as for a write: removing the open set closes. `adopted`: somebody else's, as the checkpoint saw them. */
  | {
      readonly kind: 'remove'
      readonly title: string
      readonly refs: readonly ObjectRef[]
      readonly closes: readonly string[]
      readonly adopted?: true
    }
  /** The one merge patch on FelixConfiguration. */
  | { readonly kind: 'failsafes'; readonly title: string; readonly change: FailsafeChange }
  /** Wait until Felix has what was written: `restart` after a failsafe edit, `sync` after sets and policies. */
  | { readonly kind: 'settle'; readonly title: string; readonly what: 'restart' | 'sync'; readonly nodes?: readonly string[] }
  /** Probe, and stop at the first regression. */
  | { readonly kind: 'probe'; readonly title: string; readonly scope: ProbeScope }
  /** Create the gate's Job and set, and read back what they really say. */
  | { readonly kind: 'arm'; readonly title: string; readonly gate: GateObjects }
  /** Move the deadline to one window from now. */
  | { readonly kind: 'renew'; readonly title: string }
  /** Re-read foreign policies, tiers and HostEndpoints: a deny of theirs would outlive the gate. */
  | { readonly kind: 'recheck'; readonly title: string; readonly hostEndpoints: readonly KubeObject[] }
  /** The gate's set is there by uid and its Job has not failed: what is closed is closed by the gate, not open because it expired. */
  | { readonly kind: 'gate-alive'; readonly title: string }
  /** The operator's word, while the deadline is renewed after green probes for ten minutes at most. */
  | { readonly kind: 'ask'; readonly title: string; readonly scope: ProbeScope }
  /** Write the unconditional Deny (or drop what a narrowing removes): the one write that keeps. */
  | { readonly kind: 'commit'; readonly title: string; readonly objects: readonly KubeObject[]; readonly removes: readonly ObjectRef[] }
  /** Delete the gate's Job and set, and the policies that need them. */
  | { readonly kind: 'disarm'; readonly title: string; readonly gate: GateObjects; readonly policies: readonly ObjectRef[] }
  /** Create the open set: everything opens. Falls back to deleting the gate's set, taking its label off, deleting our HostEndpoints. `givesWay`: begins with those of these runs, for another's firewall is beneath. */
  | {
      readonly kind: 'open'
      readonly title: string
      readonly openSet: KubeObject
      readonly gate: GateObjects | undefined
      readonly run: number
      readonly givesWay?: readonly number[]
    }
  /** See that it is open; after 3 s without that, delete our HostEndpoints at once. */
  | { readonly kind: 'see-open'; readonly title: string; readonly run: number }
  /** Put one group of objects back to their before-images. */
  | { readonly kind: 'restore'; readonly title: string; readonly images: readonly BeforeImage[] }
  /** Objects equal their before-images, and probes equal the baseline; with `reopened` every node is seen open again. */
  | { readonly kind: 'verify'; readonly title: string; readonly images: readonly BeforeImage[]; readonly reopened?: true }
  /** Delete the open set, last of all. */
  | { readonly kind: 'drop-open-set'; readonly title: string; readonly openSet: KubeObject }
  /** Delete our namespace: only a rollback to 0 does. */
  | { readonly kind: 'remove-namespace'; readonly title: string }
  /** Give the Lease back. */
  | { readonly kind: 'unlock'; readonly title: string }
  /** Probe and renew while a question waits; never in a list, performed beside `ask`. */
  | { readonly kind: 'pulse'; readonly title: string; readonly scope: ProbeScope }
