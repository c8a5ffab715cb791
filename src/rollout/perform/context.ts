import type { KubeObject } from '../../calico/object.ts'
import type { ProbeResult } from '../../firewall/probes.ts'
import type { BeforeImage } from '../checkpoint.ts'
import type { RolloutPorts, RunSubject } from '../ports.ts'
import type { RunConfig } from '../state.ts'
import type { Lock } from './lock.ts'

/** What performers share during one run. The few mutable fields are what only the outside can tell. */
export interface PerformContext {
  readonly ports: RolloutPorts
  readonly subject: RunSubject
  readonly config: RunConfig
  readonly lock: Lock
  /** Aborts when the run turns round or ends. */
  readonly signal: AbortSignal
  /** Baseline answers, set by the baseline step; empty before. */
  baseline: readonly ProbeResult[]
  /** When the current stage began writing: probes of heartbeats ask for something newer. */
  since: Date
  /** Before-images of the run so far. */
  readonly images: () => readonly BeforeImage[]
  /** Objects as last read or written, by image key: the versions the next write is guarded by. */
  readonly seen: Map<string, KubeObject | null>
}
