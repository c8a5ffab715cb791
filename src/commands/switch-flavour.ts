import type { Api } from '../cluster/api.ts'
import { apiGroups } from '../cluster/api-groups.ts'

/**
 * Whether Calico's storage group is served: then the switches are storage objects, so that they do not hang on Calico's own API server.
 * One request, and no other discovery: in an emergency every call may be the one that hangs.
 */
export const storageServed = async (api: Api): Promise<boolean> => (await apiGroups(api, { timeoutMs: 3_000 }))?.has('crd.projectcalico.org') === true
