import { FwError } from '../../errors.ts'

/**
 * Does work that reads answers of the API. Objects are taken for what their kinds say they are; what breaks on one that is not, behind a proxy that garbles or a
 * server that checks nothing, is told as that and not as a bug of ours.
 * @throws FwError FW_API, and whatever the work throws of its own
 */
export const understood = async <Value>(work: () => Promise<Value>): Promise<Value> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError || (error instanceof Error && error.name === 'ValiError'))) throw error
    throw new FwError('FW_API', 'the cluster gives an answer that cannot be understood', {
      why: error.message,
      fix: 'see what stands between you and the API server; where nothing does, please report it',
      cause: error,
    })
  }
}
