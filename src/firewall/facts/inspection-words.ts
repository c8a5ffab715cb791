import type { InspectedInterface, Inspection } from './inspection.ts'

/**
 * What an operator should know about the interfaces of one node before a HostEndpoint names one, a sentence each: what a bond, bridge, VLAN or VRF means
 * for the name, other interfaces packets come in by, and addresses that move.
 */
export const explainInterfaces = ({ interfaces, nodeInterface, defaultRoutes }: Inspection): string[] => {
  const chosen = interfaces.find(({ name }) => name === nodeInterface)
  const outward = interfaces.filter(
    ({ name, addresses }) => name !== nodeInterface && addresses.length > 0 && defaultRoutes.some(({ device }) => device === name),
  )
  const floating = interfaces.flatMap(({ name, addresses }) => addresses.filter((one) => one.floating).map(({ address }) => `${address} on ${name}`))
  return [
    ...(chosen === undefined ? ['no interface holds the address the cluster knows the node by'] : explainOne(chosen, interfaces)),
    ...outward.map(
      ({ name }) =>
        `${name} carries a default route too: what comes in by it is not closed by a HostEndpoint on ${nodeInterface ?? 'another interface'}`,
    ),
    ...(floating.length === 0 ? [] : [`${floating.join(', ')} may move to another node: taken for a VIP, not for the node's own`]),
  ]
}

const explainOne = ({ name, kind, master, parent, vlanId, members = [] }: InspectedInterface, all: readonly InspectedInterface[]): string[] => {
  const isVrf = all.some((one) => one.name === master && one.kind === 'vrf')
  return [
    ...(kind === 'bond'
      ? [`${name} joins ${members.join(' and ') || 'no interface'}: a HostEndpoint names ${name}, for its members are not seen by the packet filter`]
      : []),
    ...(kind === 'bridge' ? [`${name} bridges ${members.join(', ') || 'nothing'}: a HostEndpoint names ${name}`] : []),
    ...(kind === 'vlan'
      ? [`${name} is VLAN ${vlanId ?? '?'} on ${parent ?? '?'}: a HostEndpoint on ${parent ?? 'its parent'} would not see its packets`]
      : []),
    ...(isVrf ? [`${name} is in VRF ${master}: packets pass the packet filter twice there, which this tool has not been tried with`] : []),
    ...(master !== undefined && !isVrf
      ? [`${name} belongs to ${master} and still holds the node's address: name ${master} where packets are seen to come in by it`]
      : []),
  ]
}
