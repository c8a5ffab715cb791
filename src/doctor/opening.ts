import { isOurs } from '../calico/names.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { committedRuns } from '../firewall/objects/deny-policy.ts'

/** How one more thing is opened: by a flag of `init`, or in the file of the firewall that is kept, for `init` would make another one. */
export const openingOf = ({ policies }: Facts, flag: 'open' | 'vip', value: string): string =>
  committedRuns(policies.filter(isOurs)).length === 0
    ? `kubectl calico-fw init --${flag} ${value}   # or an allow entry of the file`
    : `kubectl calico-fw export > firewall.yaml, add an allow entry for ${value}, then apply -f firewall.yaml`
