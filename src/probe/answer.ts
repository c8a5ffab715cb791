import { FwError } from '../errors.ts'
import type { Seen } from './dialer.ts'

/**
 * What a failed API call says, in a probe's words. A 403 is "not asked" with the missing right, never a pass and never a failure of the network.
 * Anything that is no FwError is a bug of ours and goes on up.
 */
export const seenFailure = (error: unknown, right: string): Seen => {
  if (!(error instanceof FwError)) throw error
  const detail = error.why === undefined ? error.message : `${error.message}: ${error.why}`
  switch (error.code) {
    case 'FW_FORBIDDEN':
      return { outcome: 'not-run', detail: `needs the right to ${right}` }
    case 'FW_TIMEOUT':
      return { outcome: 'timeout', detail }
    case 'FW_UNREACHABLE':
      return { outcome: causedBy(error, 'ECONNREFUSED') ? 'refused' : 'failed', detail }
    default:
      return { outcome: 'failed', detail }
  }
}

const causedBy = (error: unknown, code: string): boolean =>
  error instanceof Error && ((error as NodeJS.ErrnoException).code === code || causedBy(error.cause, code))
