import type { KubeObject } from '../calico/object.ts'
import type { Api } from '../cluster/api.ts'
import type { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { Judgement } from '../firewall/probes/judge.ts'
import type { Probe, ProbeResult } from '../firewall/probes/probes.ts'
import type { Accepted } from '../proof/accepted.ts'
import type { ChangeEvidence } from './checkpoint.ts'
import type { Clock } from './clock.ts'
import type { Outcome, Reason } from './state.ts'
import type { Step } from './steps.ts'

/** How one round of probes is asked. */
export interface RoundOptions {
  readonly signal?: AbortSignal
  /** When the step began: Leases must be renewed after it. */
  readonly since: Date
  /** Milliseconds one connection may take, 3,000 unless told; silence lasts this long. */
  readonly timeoutMs?: number
  /** `closed` probes of these nodes are asked again until they are silent or `ms` have passed, before any `open` probe is asked. */
  readonly settle?: { readonly nodes: readonly string[]; readonly ms: number }
}

/** Runs probes over fresh connections, within a bounded time. */
export interface ProbeRunner {
  /**
   * One result for each probe, in their order. `closed` probes are asked first: Felix takes 0.1 to 1.6 s on an idle cluster, and `open`
   * probes asked before the new rules are in force would praise the old ones.
   * Rejects with the signal's reason when it aborts: half a round is no answer.
   */
  run(probes: readonly Probe[], options: RoundOptions): Promise<ProbeResult[]>
}

/** The operator's own copy of checkpoints and history. Losing it costs nothing: the cluster has its own. */
interface Journal {
  /** Answers with the problem instead of throwing: a full disk must not stop a rollout half-way. */
  saveCheckpoint(clusterUid: string, number: string, document: unknown): Promise<FwError | undefined>
  appendHistory(clusterUid: string, entry: unknown): Promise<FwError | undefined>
}

/** The question asked before the commit. */
export interface KeepQuestion {
  readonly title: string
  /** Milliseconds until the cluster opens by itself, as of now. */
  readonly opensInMs: number
}

/** What a run tells whoever watches; the terminal renders it, tests assert on it. */
export type Progress =
  | { readonly kind: 'step'; readonly at: number; readonly of: number; readonly step: Step; readonly mode: 'forward' | 'undo' }
  | { readonly kind: 'step-done'; readonly step: Step; readonly ms: number }
  | { readonly kind: 'step-failed'; readonly step: Step; readonly error: unknown }
  | { readonly kind: 'probes'; readonly judgement: Judgement; readonly of: number }
  | { readonly kind: 'deadline'; readonly opensInMs: number | undefined }
  | { readonly kind: 'lag'; readonly ms: number }
  | { readonly kind: 'undo'; readonly reason: Reason }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'end'; readonly outcome: Outcome }

/** How Felix on one node stands to what was written. */
export interface Realised {
  readonly node: string
  /**
   * `programmed`: seen in the packet filter. `idle`: nothing on the node has to do with it, and Felix is well. `behind`: Felix is well, and it is not
   * there yet. `restarting`: Felix began anew a moment ago. `stopped` (by a signal), `crashing` (ends again and again), `down`, `cut` (from the API) and
   * `not-ready`: nothing written now arrives there. `unseen`: nobody could look.
   */
  readonly state: 'programmed' | 'idle' | 'behind' | 'restarting' | 'stopped' | 'crashing' | 'down' | 'cut' | 'not-ready' | 'unseen'
  /** Names the node, what is the matter and, where there is one, the remedy. */
  readonly sentence: string
}

/** Everything outside that a run touches. */
export interface RolloutPorts {
  readonly api: Api
  readonly clock: Clock
  readonly prober: ProbeRunner
  /** Looks once into the nodes these objects concern, all nodes for none, within seconds; absent where nobody can look. */
  readonly realised?: (objects: readonly KubeObject[], signal: AbortSignal) => Promise<readonly Realised[]>
  /** How some Felixes do: those in trouble, and the others in turn; absent where nobody can look. */
  readonly felixes?: (signal: AbortSignal) => Promise<readonly Realised[]>
  /** Asks these probes from the nodes they start from again and again, and tells each answer, until the signal aborts; absent where nobody can. */
  readonly follow?: (probes: readonly Probe[], each: (result: ProbeResult) => void, signal: AbortSignal) => Promise<void>
  readonly journal: Journal
  readonly ask: (question: KeepQuestion, signal: AbortSignal) => Promise<'keep' | 'open' | 'leave'>
  readonly report: (progress: Progress) => void
  /** Who holds the lock, unique to this process: `user@host/pid-random`. */
  readonly holder: string
  /** The command line as typed, for the checkpoints. */
  readonly command: string
  /** Foreign objects that would drop traffic on these HostEndpoints; empty means none. Read afresh. */
  readonly dangers: (
    hostEndpoints: readonly KubeObject[],
  ) => Promise<readonly { readonly object: string; readonly why: string; readonly remedy: string; readonly own?: true }[]>
}

/** What a run works on. */
export interface RunSubject {
  readonly facts: Facts
  readonly probes: readonly Probe[]
  /** Numbers of the checkpoints the run was planned after; others in the cluster mean that somebody changed it meanwhile. */
  readonly checkpoints?: readonly string[]
  /** What answered before the changes that a rollback takes back: asked when everything is open again. Other runs know it from their own baseline. */
  readonly answered?: readonly Probe[]
  /** Written into the checkpoints of a rollback. */
  readonly undoes?: readonly number[]
  /** Risks the operator took by name; written into the checkpoints. */
  readonly accepted?: Accepted
  /** What the change rests on; written into its first checkpoint. */
  readonly evidence?: ChangeEvidence
}
