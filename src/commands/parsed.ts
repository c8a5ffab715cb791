import type { ConnectionFlags } from '../cluster/kubeconfig/connection-flags.ts'

/** Every option as commander parsed it; each action takes what is its own. */
export interface Parsed extends ConnectionFlags {
  readonly output?: string
  readonly v?: string
  readonly yes?: true
  readonly takeOver?: true
  readonly filename?: string
  readonly interface?: string[]
  readonly trust?: string[]
  readonly vip?: string[]
  readonly open?: string[]
  readonly failsafe?: string[] | true
  readonly nodePorts?: string
  /** Seconds. */
  readonly window: number
  readonly dryRun?: string | true
  readonly port?: string[]
  readonly from?: string[]
  readonly name?: string
  readonly to?: number
  readonly acceptUnseen?: string[]
  readonly acceptHostFirewall?: string[]
  readonly scenario?: string
  readonly via?: string
  readonly established?: boolean
  readonly facts?: string
  readonly saveFacts?: string
  readonly execute?: string
  /** Seconds. */
  readonly for: number
  readonly bundle?: true
  readonly redact?: true
}
