import { FwError } from '../../errors.ts'
import { type Cidr, overlaps, parseCidr, partsOf } from '../../net/cidr.ts'
import { failure, itemsOf, placeOf, type Spot, textOf } from './yaml-spot.ts'

/** What a list of networks is for; decides what is said about one of all addresses. */
export type NetsRole = 'trusted' | 'to' | 'from' | 'egress'

const loopback = parseCidr('127.0.0.0/8')

const allAddresses: Readonly<Record<Exclude<NetsRole, 'egress'>, { why: string; fix: string }>> = {
  trusted: { why: 'trusted networks have full access, so this firewall would close nothing', fix: 'name the networks that may do everything' },
  to: {
    why: 'a destination of all addresses opens pods and everything the nodes route, not only the nodes',
    fix: 'write {nodes: true}, or the VIPs as nets',
  },
  from: { why: 'a rule without a source is open to everyone already', fix: 'leave out from' },
}

/**
 * A list of networks, in the order of the file.
 * @throws FwError FW_BAD_FILE
 */
export const netsOf = (spot: Spot, role: NetsRole): Cidr[] => {
  const nets = itemsOf(spot).map((item) => netOf(item, role))
  if (nets.length === 0 && role !== 'trusted')
    throw failure(spot, 'is empty', { fix: role === 'from' ? 'leave out from to open to everyone' : 'name a network' })
  return nets
}

const netOf = (spot: Spot, role: NetsRole): Cidr => {
  const cidr = located(spot, () => parseCidr(textOf(spot)))
  if (partsOf(cidr).length === 0) {
    // One port to everywhere is what a list of what may leave is often for.
    if (role === 'egress') return cidr
    throw failure(spot, `is ${cidr}, which is every address`, allAddresses[role])
  }
  if (overlaps(loopback, cidr)) {
    throw failure(spot, `is ${cidr}, which is loopback`, {
      why: 'packets from outside with such an address are forged, and the base policy drops those to it',
      fix: 'leave it out: a node reaches itself without any rule',
    })
  }
  return cidr
}

/**
 * Runs a parser of the net room and puts file, line and path before what it says.
 * @throws FwError FW_BAD_FILE
 */
export const located = <Value>(spot: Spot, parse: () => Value): Value => {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof FwError) || error.code === 'FW_BAD_FILE') throw error
    throw new FwError('FW_BAD_FILE', `${placeOf(spot)}: ${error.message}`, error.fix === undefined ? {} : { fix: error.fix })
  }
}
