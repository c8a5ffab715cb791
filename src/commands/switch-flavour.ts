import type { Api } from '../cluster/api.ts'
import { FwError } from '../errors.ts'

/**
 * Whether Calico's storage group is served: then the switches are storage objects, so that they do not hang on Calico's own API server.
 * One request, and no other discovery: in an emergency every call may be the one that hangs.
 */
export const storageServed = async (api: Api): Promise<boolean> => {
  const answer = (await api.request('GET', '/apis', undefined, { timeoutMs: 3_000 }).catch((error: unknown) => {
    // Which group it is can be guessed when discovery is down; that the cluster does not answer at all cannot.
    if (error instanceof FwError && error.code === 'FW_API') return { groups: [] }
    throw error
  })) as { groups?: readonly { readonly name: string }[] }
  return answer.groups?.some(({ name }) => name === 'crd.projectcalico.org') === true
}
