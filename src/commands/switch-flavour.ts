import type { Api } from '../cluster/api.ts'
import { apiGroups } from '../cluster/api-groups.ts'
import type { Flavour } from '../firewall/facts/facts.ts'

/**
 * Where the switches are, the gate's set and the open set: in Calico's storage group where it is served, so that they do not hang on Calico's own API
 * server. One request, and no other discovery: in an emergency every call may be the one that hangs.
 */
export const switchFlavour = async (api: Api): Promise<Flavour> =>
  (await apiGroups(api, { timeoutMs: 3_000 }))?.has('crd.projectcalico.org') === true ? 'aggregated' : 'native'
