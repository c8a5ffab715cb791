import type { KubeObject } from '../../calico/object.ts'
import type { ProbeResult } from '../../firewall/probes/probes.ts'
import type { BeforeImage } from '../checkpoint.ts'
import type { RolloutPorts, RunSubject } from '../ports.ts'
import type { RunConfig } from '../state.ts'
import type { Lock } from './lock.ts'

/** What one run learns from outside and its later steps need. */
export interface RunMemory {
  /** Baseline answers, set by the baseline step; empty before. */
  baseline: readonly ProbeResult[]
  /** When the current stage began writing: probes of heartbeats ask for something newer. */
  since: Date
  /** Objects as last read or written, by image key: the versions the next write is guarded by. */
  readonly seen: Map<string, KubeObject | null>
  /** What was sent and not answered, by image key: it may still land. See `sent`. */
  readonly unanswered: Set<string>
  /** What the last write step wrote: what settling waits for. */
  written?: readonly KubeObject[]
  /** Probes that were green at the last look; none before the first. */
  green?: number
  /** Rounds of probes so far. */
  rounds: number
  /** Probes whose node was closed or changed since they were asked last, by id: the next look asks all of them. */
  readonly owed: Set<string>
  /** What the next checkpoint names as the one before it: read once, then known. */
  link?: string | undefined
  /** Who opened last, as far as this run knows: what the open set said when the lock was taken, then what this run wrote. See `openMark`. */
  openMark?: string | undefined
  /** Somebody else wrote the open set while this run was under way. */
  openedByOther?: boolean
  /** It was told that some nodes cannot be looked into. */
  graceNoted?: true
}

/** What a performer is given. */
export interface PerformContext {
  readonly ports: RolloutPorts
  readonly subject: RunSubject
  readonly config: RunConfig
  readonly lock: Lock
  readonly memory: RunMemory
  /** Aborts when the run turns round or ends while this step is being performed. */
  readonly signal: AbortSignal
  /** Before-images of the run so far. */
  readonly images: () => readonly BeforeImage[]
  /** Resolves once every step that was aborted has really stopped: a write in flight may land after the abort. */
  readonly settled: () => Promise<void>
}
