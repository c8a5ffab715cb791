import { type FwCode, FwError } from '../errors.ts'
import { begun } from '../ui/lapse-words.ts'

const silent: readonly FwCode[] = ['FW_UNREACHABLE', 'FW_TIMEOUT']

/** What is left to somebody whose API server does not answer. */
const withoutApi =
  "a change on trial opens by itself at its deadline; to open a node without the API: kubectl calico-fw rescue --execute 'ssh root@NODE'"

/** Does what somebody does who may be locked out: where the API server does not answer, the error says what still works. */
export const orWayOut = async <Value>(work: Promise<Value>): Promise<Value> =>
  work.catch((error: unknown) => {
    if (!(error instanceof FwError) || !silent.includes(error.code)) throw error
    const { code, message, why, fix, cause } = error
    throw new FwError(code, message, {
      fix: fix === undefined ? withoutApi : `${fix}. Locked out? ${begun(withoutApi)}`,
      ...(why === undefined ? {} : { why }),
      cause,
    })
  })
