import { type ExitCode, exitCodes } from './exit-codes.ts'

/**
 * Every error a user can meet, with the exit code it ends in. Codes are stable: scripts read them from `-o json`.
 * Anything thrown that is not an {@link FwError} is a bug of ours and is printed as one.
 */
const exitOf = {
  FW_USAGE: exitCodes.usage,
  FW_BAD_ADDRESS: exitCodes.usage,
  FW_BAD_CIDR: exitCodes.usage,
  FW_BAD_PORT: exitCodes.usage,
  FW_BAD_FILE: exitCodes.usage,
  FW_MISSING_ANSWER: exitCodes.usage,
  FW_UNKNOWN_NODE: exitCodes.usage,
  FW_UNKNOWN_INTERFACE: exitCodes.usage,
  FW_BAD_FAILSAFE: exitCodes.usage,
  FW_BAD_OBJECT: exitCodes.refused,
  FW_BAD_SELECTOR: exitCodes.refused,
  FW_KUBECONFIG: exitCodes.usage,
  FW_CREDENTIALS: exitCodes.unreachable,
  FW_UNREACHABLE: exitCodes.unreachable,
  FW_TLS: exitCodes.unreachable,
  FW_TIMEOUT: exitCodes.unreachable,
  FW_UNAUTHORIZED: exitCodes.unreachable,
  FW_FORBIDDEN: exitCodes.unreachable,
  FW_NOT_FOUND: exitCodes.failure,
  FW_CONFLICT: exitCodes.failure,
  FW_INVALID: exitCodes.refused,
  FW_GONE: exitCodes.failure,
  FW_THROTTLED: exitCodes.failure,
  FW_API: exitCodes.failure,
  FW_UNSUPPORTED: exitCodes.refused,
  FW_PREFLIGHT: exitCodes.refused,
  FW_PROOF: exitCodes.refused,
  FW_GATE: exitCodes.refused,
  FW_FOREIGN: exitCodes.refused,
  FW_HOST_FIREWALL: exitCodes.refused,
  FW_OVERLAP: exitCodes.refused,
  FW_UNSEEN: exitCodes.refused,
  FW_BUSY: exitCodes.busy,
  FW_LOCK_LOST: exitCodes.failure,
  FW_CHANGED: exitCodes.failure,
  FW_ROLLED_BACK: exitCodes.rolledBack,
  FW_ROLLBACK_INCOMPLETE: exitCodes.rollbackIncomplete,
  FW_CHECKPOINT: exitCodes.failure,
  FW_STATE: exitCodes.failure,
  FW_RESCUE: exitCodes.failure,
  FW_INTERRUPTED: exitCodes.interrupted,
} as const satisfies Record<`FW_${string}`, ExitCode>

/** A stable name for a kind of error, for example `FW_BAD_CIDR`. */
export type FwCode = keyof typeof exitOf

/** What went wrong in the user's terms: what happened, why, and the command or edit that mends it. */
export class FwError extends Error {
  override readonly name = 'FwError'
  readonly code: FwCode
  readonly why: string | undefined
  readonly fix: string | undefined
  /** It is what somebody chose, and told without the word error. */
  readonly isAnswer: boolean

  constructor(code: FwCode, what: string, detail: { why?: string; fix?: string; cause?: unknown; isAnswer?: true } = {}) {
    super(what, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.why = detail.why
    this.fix = detail.fix
    this.isAnswer = detail.isAnswer === true
  }

  /** The exit code this error ends the process with. */
  get exit(): ExitCode {
    return exitOf[this.code]
  }
}
