import type { KubeObject } from './object.ts'

/** Prefix of every label and annotation of ours. */
const prefix = 'calico-fw.github.io'

/** Field manager of every server-side apply. */
export const fieldManager = 'calico-fw'

/** The namespace that holds the gate, the lock, the HostFirewall and the checkpoints. */
export const toolNamespace = 'calico-fw'

/**
 * Label and annotation keys. Ours alone: kube-controllers deletes HostEndpoints that carry its `projectcalico.org/created-by` and are not its own
 * (kube-controllers/pkg/controllers/node/hostendpoints.go `isAutoHostEndpoint`).
 */
export const keys = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** On HostEndpoints: the change that wrote them. Gates and denies select by it, so an old deny never bites a new HostEndpoint. */
  run: `${prefix}/run`,
  /** On the gate's NetworkSet: the change it closes. */
  gate: `${prefix}/gate`,
  /** On GlobalNetworkSets: `nodes`, `trusted` or `open`. */
  set: `${prefix}/set`,
  /** On GlobalNetworkPolicies: `base`, `allow`, `gate`, `egress` or `deny`. */
  policy: `${prefix}/policy`,
  /** On checkpoints and run records: the number of the change. */
  change: `${prefix}/change`,
  /** On checkpoints: which chunk of how many. */
  chunk: `${prefix}/chunk`,
  /** On our namespace, where an administrator made it and bound roles in it: a rollback to 0 empties it and leaves it. */
  keep: `${prefix}/keep`,
  /** On the lock: the step its holder is at. */
  step: `${prefix}/step`,
  /** Annotation of a change's first checkpoint: how the change ended. */
  end: `${prefix}/end`,
  /** Annotation of the open set: when it was written last, and by which run where a run wrote it. */
  opened: `${prefix}/opened`,
  /** Annotation that stands for a moment only, to make another version of an object. */
  touched: `${prefix}/touched`,
  /** Annotation of a HostEndpoint on trial: the name of another's on the same interface, which it takes over. */
  adopts: `${prefix}/adopts`,
  /** On short-lived pods that look from a node: its name, cut to a label's length. */
  hostPod: `${prefix}/host-pod`,
} as const

/** Names of the objects that exist once. */
export const names = {
  felixConfiguration: 'default',
  nodesService: 'calico-fw-nodes',
  nodesSet: 'calico-fw-nodes',
  trustedSet: 'calico-fw-trusted',
  openSet: 'calico-fw-open',
  basePolicy: 'calico-fw-base',
  denyPolicy: 'calico-fw-deny',
  egressPolicy: 'calico-fw-egress',
  lock: 'calico-fw-lock',
  firewall: 'host-firewall',
  defaultAllowProfile: 'projectcalico-default-allow',
} as const

/** `calico-fw-allow-NAME`. */
export const allowPolicyName = (entry: string): string => `calico-fw-allow-${entry}`
/** A policy's name as it was given: Calico 3.29.0 to 3.29.3 answers with its tier before it. */
export const plainName = (name: string): string => name.replace(/^default\./, '')
/** A policy under its plain name: what we write, delete and keep in checkpoints is called by that. */
export const plainlyNamed = <Policy extends KubeObject>(policy: Policy): Policy => ({
  ...policy,
  metadata: { ...policy.metadata, name: plainName(policy.metadata.name) },
})
/** `calico-fw-gate-N`, the policy. */
export const gatePolicyName = (change: number): string => `calico-fw-gate-${change}`
/** `calico-fw-gate-N-egress`, the policy that tries what may leave. */
export const egressGateName = (change: number): string => `${gatePolicyName(change)}-egress`
/** `gate-N`, the Job and the NetworkSet it owns. */
export const gateName = (change: number): string => `gate-${change}`

/**
 * Evaluation order in tier `default`; distinct, base < overlays < allow < gates < deny. Calico breaks ties by name (felix/calc/policy_sorter.go), and
 * names changed form in 3.29 to 3.32.
 */
export const orders = {
  /** Just before the gates that try it, so that nothing opens for a moment when a gate goes, and a policy of others stands before both or after both. */
  egress: 49.9,
  /** Beside the gate of what comes in, which it never meets in a chain. */
  egressGate: (gate: number): number => Math.round((gate + 0.0005) * 10_000) / 10_000,
  /** A gate that tries a narrower firewall brings its own copy of base and allows, so it stands before the ones in force. */
  trial: (change: number): number => 50 + change / 1000,
  /** A gate that tries our firewall over somebody else's stands before all of theirs, whatever order those have. */
  over: (theirs: number, change: number): number => Math.min(orders.trial(change), theirs - 1 + (change % 1000) / 1000),
  base: 100,
  overlay: (change: number): number => 200 + change / 1000,
  allow: (index: number): number => 300 + index / 1000,
  gate: (change: number): number => 400 + change / 1000,
  deny: 500,
} as const

/** Halves of both families: all addresses without a /0, which panics Felix in nftables mode (calico#13477). */
export const worldHalves = ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'] as const

/** The labels every object of ours carries. */
export const ownLabels = (more: Record<string, string> = {}): Record<string, string> => ({ [keys.managedBy]: fieldManager, ...more })

/** Whether an object carries our managed-by label. */
export const isOurs = ({ metadata }: { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } }): boolean =>
  metadata.labels?.[keys.managedBy] === fieldManager
