import type { UnseenKind } from '../firewall/facts/facts.ts'

/** Risks the operator takes by name; written into the checkpoints and the history of the run. */
export interface Accepted {
  /** `--accept-unseen KIND`: what could not be looked at is taken for harmless. */
  readonly unseen: readonly UnseenKind[]
  /** `--accept-host-firewall NODE`: what that node's own firewall drops may open. */
  readonly hostFirewalls: readonly string[]
}

/** Nothing is taken for granted. */
export const nothingAccepted: Accepted = { unseen: [], hostFirewalls: [] }
