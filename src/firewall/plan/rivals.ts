import { isOurs } from '../../calico/names.ts'
import type { HostEndpoint } from '../../calico/shapes.ts'
import { byText } from '../by-text.ts'

/**
 * HostEndpoints of others on the interface of one of ours, first the one Felix obeys: of those that name the interface or expect one of its addresses the
 * alphabetically smallest, and only then one for `*` (felix/dataplane/linux/endpoint_mgr.go `resolveHostEndpoints`, 3.32.1).
 */
export const rivalsOf = (own: HostEndpoint, present: readonly HostEndpoint[]): HostEndpoint[] =>
  present
    .filter((other) => !isOurs(other) && other.spec.node === own.spec.node && meets(own, other))
    .sort((one, other) => Number(isWildcard(one)) - Number(isWildcard(other)) || byText(one.metadata.name, other.metadata.name))

/** Whether it governs every interface of its node that no other HostEndpoint names. */
export const isWildcard = ({ spec }: HostEndpoint): boolean => spec.interfaceName === '*'

const meets = (own: HostEndpoint, other: HostEndpoint): boolean => {
  const { interfaceName, expectedIPs = [] } = other.spec
  if (interfaceName) return interfaceName === '*' || interfaceName === own.spec.interfaceName || other.metadata.name === own.metadata.name
  return expectedIPs.some((ip) => own.spec.expectedIPs?.includes(ip))
}
