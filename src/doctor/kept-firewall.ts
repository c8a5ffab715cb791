import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { firewallIn } from '../firewall/file/firewall-text.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'

/** The file the cluster keeps; none where nothing is kept, or where somebody edited it into something that is no firewall and so means nothing. */
export const keptFirewall = ({ own }: Pick<Facts, 'own'>): HostFirewall | undefined => {
  try {
    const kept = own.find(({ kind }) => kind === 'ConfigMap')
    return kept === undefined ? undefined : firewallIn(kept)
  } catch (error) {
    if (error instanceof FwError) return undefined
    throw error
  }
}
