import { FwError } from '../../errors.ts'
import type { RunInPod } from './exec.ts'

/** How commands are run on nodes. */
export interface NodeShell {
  readonly run: RunInPod
  /** Exec was refused, so that every command is a pod of its own: slower, and it sees no other process. */
  readonly byPods: () => boolean
}

/** A pod must be started before it can answer: its patience is this many times as long. */
const podsTake = 3

/**
 * Runs commands in calico-node by exec, and from the first refusal on in short pods beside it. What is told while it goes on has no stand-in.
 * Rejects as either does.
 */
export const nodeShell = (exec: RunInPod, inHostPod: RunInPod | undefined): NodeShell => {
  let refused = false
  return {
    byPods: () => refused,
    run: async (command) => {
      const standIn = command.onOutput === undefined ? inHostPod : undefined
      if (standIn === undefined || !refused) {
        try {
          return await exec(command)
        } catch (error) {
          if (standIn === undefined || !(error instanceof FwError) || error.code !== 'FW_FORBIDDEN') throw error
          refused = true
        }
      }
      return standIn({ ...command, timeoutMs: podsTake * command.timeoutMs })
    },
  }
}
