import { FwError } from '../../errors.ts'
import { type Cidr, covers, hostCidr, isHostCidr, overlaps, partsOf } from '../../net/cidr.ts'
import { netIndex } from '../../net/net-index.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'

/** A network that is trusted because pods or Services are in it, and what else is. */
export interface TrustedOverlap {
  readonly net: Cidr
  /** `the pod network 192.168.0.0/16 holds 192.168.218.171, an address of node ws1`. */
  readonly text: string
}

type OverlapFacts = Pick<Facts, 'nodes' | 'operatorAddresses' | 'podCidrs' | 'serviceCidrs'>

interface Place {
  readonly net: Cidr
  readonly whose: string
}

/**
 * The networks of pods and Services that share addresses with the nodes or the operator, one finding for each. Whoever is in such a network would have full
 * access as a pod has it: the machines beside the nodes, too. One the file itself trusts is the operator's own word.
 */
export const trustedOverlaps = (facts: OverlapFacts, trustedByFile: readonly Cidr[]): TrustedOverlap[] => {
  const places = [
    ...facts.nodes.flatMap(placesOf),
    ...facts.operatorAddresses.map((one) => ({ net: hostCidr(one), whose: 'the address of this machine' })),
  ]
  const outside = netIndex(places.map(({ net }) => net))
  const nets = [...facts.podCidrs.map((net) => ({ net, of: 'pod' })), ...facts.serviceCidrs.map((net) => ({ net, of: 'Service' }))]
  return nets
    .filter(({ net }) => outside.overlaps(net) && !trustedByFile.some((trusted) => covers(trusted, net)))
    .flatMap(({ net, of }) => {
      const place = places.find((one) => overlaps(one.net, net))
      if (place === undefined) return []
      const where = isHostCidr(place.net) ? `holds ${partsOf(place.net).address}` : `overlaps ${place.net}`
      return [{ net, text: `the ${of} network ${net} ${where}, ${place.whose}` }]
    })
}

/** Where a node stands: not its tunnels' addresses, nor what carries its own pods, which are the pod network's by right. */
const placesOf = ({ name, addresses, interfaces, networks = [], podCidrs }: NodeFacts): Place[] => {
  const own = addresses.map(({ address }) => hostCidr(address))
  const further = interfaces.flatMap((one) => one.addresses.map(hostCidr))
  const isPods = (net: Cidr): boolean => podCidrs.some((cidr) => covers(cidr, net))
  return [
    ...[...own, ...further.filter((net) => !isPods(net))].map((net) => ({ net, whose: `an address of node ${name}` })),
    ...networks.filter((net) => !isPods(net)).map((net) => ({ net, whose: `the network of node ${name}` })),
  ]
}

/** How an overlap is mended, or taken. */
export const overlapRemedy = ({ net }: TrustedOverlap): string =>
  `put pods and Services into networks of their own; or, if all of it may reach every port, say so: --trust ${net}, in a file ${net} in spec.trustedNets`

/**
 * Refuses to trust what nobody meant to.
 * @throws FwError FW_OVERLAP
 */
export const refuseOverlaps = (facts: OverlapFacts, trustedByFile: readonly Cidr[]): void => {
  const [first, ...more] = trustedOverlaps(facts, trustedByFile)
  if (first === undefined) return
  throw new FwError('FW_OVERLAP', `${first.text}${more.length === 0 ? '' : ` (and ${more.length} more)`}`, {
    why: 'pods and Services have full access to every port of every node, and so would every machine in that network',
    fix: overlapRemedy(first),
  })
}
