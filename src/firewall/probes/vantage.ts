import { type Address, familyOf } from '../../net/address.ts'
import { type Cidr, contains } from '../../net/cidr.ts'
import type { Facts } from '../facts/facts.ts'

/** What the firewall makes of the operator's own machine. */
export interface Vantage {
  /** `outside`: judged like anybody; `trusted`: full access, so nothing ever looks closed from here; `unknown`: cannot tell. */
  readonly standing: 'outside' | 'trusted' | 'unknown'
  /** How many of the addresses a packet from here to the destination may come from lie in the sources. */
  readonly among: (sources: readonly Cidr[], destination: Address) => 'all' | 'some' | 'none'
}

/**
 * The operator's machine as the nodes see it: by the addresses it uses towards the API. Behind NAT the nodes see another one; then a probe
 * that expects `closed` may find `open`, which opens the cluster again: an error to the safe side.
 */
export const vantageOf = ({ operatorAddresses }: Pick<Facts, 'operatorAddresses'>, trusted: readonly Cidr[]): Vantage => {
  const isTrusted = (address: Address) => trusted.some((net) => contains(net, address))
  return {
    standing: operatorAddresses.length === 0 ? 'unknown' : operatorAddresses.some(isTrusted) ? 'trusted' : 'outside',
    among: (sources, destination) => {
      const ours = operatorAddresses.filter((address) => familyOf(address) === familyOf(destination))
      const inside = ours.filter((address) => sources.some((net) => contains(net, address)))
      return inside.length === 0 ? 'none' : inside.length === ours.length ? 'all' : 'some'
    },
  }
}
