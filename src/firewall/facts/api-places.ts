import { type Address, familyOf } from '../../net/address.ts'
import { contains } from '../../net/cidr.ts'
import { isPrivate } from '../../net/private.ts'
import type { ApiEndpoint, Facts, NodeFacts } from './facts.ts'

/** What tells where an API endpoint stands. */
export type PlaceFacts = Pick<Facts, 'nodes' | 'components'>

/**
 * Whether an API endpoint stands with the nodes: it is one's own, a VIP of theirs, or in a network where the control plane stands; with a hosted control plane,
 * where any node does. Others lead there from outside (Rancher, Teleport, a cloud's balancer): who calls from such an address may be anybody, and what arrives
 * at a node was dialled by a node's own.
 */
export const standsWithNodes = ({ nodes, components }: PlaceFacts): ((endpoint: Pick<ApiEndpoint, 'address' | 'node'>) => boolean) => {
  const seen = nodes.flatMap(({ inspected }) => (inspected?.interfaces ?? []).flatMap(({ addresses }) => addresses.map(({ address }) => address)))
  const held = new Set([...seen, ...(components?.programs ?? []).flatMap(({ vip }) => vip ?? [])])
  const controlPlane = nodes.filter((node) => node.controlPlane)
  const around = controlPlane.length > 0 ? controlPlane : nodes
  return ({ address, node }) => node !== undefined || held.has(address) || around.some((one) => isNear(one, address))
}

/** Where no network is told a private address may be one of it, and a public one beside public ones. */
const isNear = ({ networks = [], addresses }: NodeFacts, address: Address): boolean => {
  const isAlike = (text: string): boolean => familyOf(text) === familyOf(address)
  const own = networks.filter(isAlike)
  if (own.length > 0) return own.some((network) => contains(network, address))
  return isPrivate(address) || addresses.some((one) => isAlike(one.address) && !isPrivate(one.address))
}
