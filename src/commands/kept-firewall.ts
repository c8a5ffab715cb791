import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { firewallIn } from '../firewall/file/firewall-text.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'

/**
 * The firewall the cluster keeps, from ConfigMap calico-fw/host-firewall.
 * @throws FwError FW_NOT_FOUND where there is none; FW_BAD_FILE where somebody edited it into something else
 */
export const keptFirewall = ({ own }: Pick<Facts, 'own'>): HostFirewall => {
  const kept = own.find(({ kind }) => kind === 'ConfigMap')
  if (kept !== undefined) return firewallIn(kept)
  throw new FwError('FW_NOT_FOUND', 'this cluster has no firewall of this tool', {
    why: 'ConfigMap calico-fw/host-firewall is not there: nothing is closed',
    fix: 'make one: kubectl calico-fw init',
  })
}
