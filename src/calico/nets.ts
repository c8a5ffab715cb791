import { type Address, familyOf, isAddress, parseAddress } from '../net/address.ts'
import { type AddressRange, type Cidr, hostCidr, rangeOf } from '../net/cidr.ts'

/**
 * The addresses of a net as Calico reads what others wrote: a CIDR whose host bits it masks away, or a bare address
 * (libcalico-go/lib/net `ParseCIDROrIP`). `undefined` for what Calico cannot read, which it skips.
 */
export const readNet = (text: string): AddressRange | undefined => {
  const [host = '', length, ...rest] = text.split('/')
  if (rest.length > 0 || !isAddress(host)) return undefined
  const address = parseAddress(host)
  if (length === undefined) return rangeOf(hostCidr(address))
  const bits = familyOf(address) === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined
  return rangeOf(`${address}/${Number(length)}` as Cidr)
}

/** Whether the net, read as Calico reads it, holds the address; never across families. */
export const netHolds = (net: string, address: Address): boolean => {
  const [range, own] = [readNet(net), rangeOf(hostCidr(address))]
  return range !== undefined && range.family === own.family && range.first <= own.first && own.first <= range.last
}
