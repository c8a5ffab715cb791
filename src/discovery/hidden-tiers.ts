import type { DetectedCalico } from '../cluster/detect-calico.ts'
import { isAllowed } from '../rollout/access-review.ts'
import type { Reader } from './reader.ts'

const group = 'projectcalico.org'
const asked = [
  { verb: 'get', group, resource: 'tiers' },
  { verb: 'list', group, resource: 'tier.globalnetworkpolicies' },
]

/**
 * Calico's own API server leaves out of a list, without a word, the policies of tiers one may not see (measured on 3.32.1): what is hidden may drop anything.
 */
export const noteHiddenTiers = async (reader: Reader, { flavour }: DetectedCalico): Promise<void> => {
  if (flavour !== 'aggregated') return
  const allowed = await Promise.all(asked.map((access) => isAllowed(reader.api, access)))
  if (allowed.every(Boolean)) return
  reader.note({
    kind: 'policies',
    what: 'globalnetworkpolicies of some tiers',
    why: 'forbidden: Calico’s API server hides them without the right to get tiers and to list tier.globalnetworkpolicies',
  })
}
