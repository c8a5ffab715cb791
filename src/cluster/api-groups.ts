import * as v from 'valibot'
import { FwError } from '../errors.ts'
import type { Api, CallOptions } from './api.ts'

const shape = v.object({ groups: v.array(v.object({ name: v.string() })) })

/**
 * The API groups a cluster serves; undefined where its list is none, for that can be guessed without. That the cluster does not answer at all cannot.
 * @throws FwError whatever the call meets besides FW_API
 */
export const apiGroups = async (api: Pick<Api, 'request'>, options: CallOptions = {}): Promise<ReadonlySet<string> | undefined> => {
  try {
    const read = v.safeParse(shape, await api.request('GET', '/apis', undefined, options))
    return read.success ? new Set(read.output.groups.map(({ name }) => name)) : undefined
  } catch (error) {
    if (error instanceof FwError && error.code === 'FW_API') return undefined
    throw error
  }
}
