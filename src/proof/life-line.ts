import type { Connection } from '../verdict/model.ts'

/** A connection the cluster, or its operator, cannot live without. */
export interface LifeLine {
  /** `API server on control1.kryukov.local -> kubelet of ws1.kryukov.local (10250/tcp)`. */
  readonly title: string
  readonly connection: Connection
  /** What stops working when it is cut. */
  readonly why: string
  /** The edit or command that keeps it. */
  readonly remedy: string
  /** Nodes whose HostEndpoints can change its fate; empty: any. */
  readonly nodes: readonly string[]
}

/** Why a plan is refused: which flow, in which state the rollout can stand in, by which rule, and what mends it. */
export interface ProofRefusal {
  readonly flow: string
  readonly state: string
  readonly rule: string
  readonly why: string
  readonly remedy: string
}
