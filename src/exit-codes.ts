/** What the process says when it ends; part of the interface, kept stable across minor versions. */
export const exitCodes = {
  /** Done, or nothing had to change. */
  ok: 0,
  /** `plan` and `status` found differences; any other verb failed. */
  failure: 1,
  /** The command line or the file is wrong; nothing was written. */
  usage: 2,
  /** Preflight or proof refused; nothing was written. */
  refused: 3,
  /** Applied, then rolled back; the cluster is as it was before. */
  rolledBack: 4,
  /** A rollback could not finish; the remaining steps are printed. */
  rollbackIncomplete: 5,
  /** The cluster does not answer, or does not let us. */
  unreachable: 6,
  /** Another operator holds the lock. */
  busy: 7,
  /** Ctrl-C. */
  interrupted: 130,
} as const

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
