import { subjectSelector } from '../calico/endpoint-selectors.ts'
import { readNet } from '../calico/nets.ts'
import { matchesPartly } from '../calico/selector.ts'
import type { EntityRule, GlobalNetworkPolicy, Rule } from '../calico/shapes.ts'
import { FwError } from '../errors.ts'
import { type Address, addressOf } from '../net/address.ts'
import { joinRanges, piecesOf } from '../net/address-set.ts'
import type { AddressRange } from '../net/cidr.ts'
import { partition } from '../net/partition.ts'
import { hostEndpointKnowledge } from './endpoint-knowledge.ts'
import type { World } from './model.ts'
import { addressesOf } from './node.ts'
import { type TrafficClass, trafficClasses } from './traffic-classes.ts'

/** Addresses no verdict can tell apart. */
export interface AddressClass {
  readonly representative: Address
  readonly ranges: readonly AddressRange[]
}

/**
 * Every packet there can be, in classes: all packets of one class of sources, one of destinations and one of traffic share their fate in each
 * of the worlds it was made for, so that one verdict answers for all of them (the atomic predicates of Yang and Lam, ICNP 2013).
 */
export interface HeaderSpace {
  readonly addresses: readonly AddressClass[]
  readonly traffic: readonly TrafficClass[]
}

/** Cuts the space of packets for some worlds. Policies that govern no HostEndpoint in one of them tell no packets apart there. */
export const headerSpace = (worlds: readonly World[]): HeaderSpace => {
  const governed = worlds.map((world) => ({ ...world, policies: world.policies.filter(mayGovern(world)) }))
  return { addresses: addressClasses(governed), traffic: trafficClasses(governed) }
}

const mayGovern = ({ hostEndpoints }: World): ((policy: GlobalNetworkPolicy) => boolean) => {
  const shapes = [
    ...new Map(hostEndpoints.map((one) => [JSON.stringify([one.metadata.labels, one.spec.profiles]), hostEndpointKnowledge(one)])).values(),
  ]
  return ({ spec }) => {
    try {
      const selector = subjectSelector(spec)
      return shapes.some((know) => matchesPartly(selector, know) !== false)
    } catch (error) {
      if (error instanceof FwError && error.code === 'FW_BAD_SELECTOR') return true
      throw error
    }
  }
}

/** Ranges the paths themselves tell apart: loopback, what stays on the link, and the nets that hold everything else. */
const special = [['127.0.0.0/8'], ['::1/128'], ['224.0.0.0/4', '255.255.255.255/32'], ['ff00::/8'], ['fe80::/10']]

const addressClasses = (worlds: readonly World[]): AddressClass[] => {
  const lists = [...special, ...worlds.flatMap(netLists)].map((nets) => nets.flatMap((net) => readNet(net) ?? []))
  const pieces = ([4, 6] as const).flatMap((family) => piecesOf(family, lists.flat()))
  const byFirst = new Map(pieces.map((piece) => [addressOf(piece.family, piece.first), piece]))
  const classes = partition([...byFirst.keys()], lists)
  const groups = new Map<number, AddressRange[]>()
  for (const [address, piece] of byFirst) {
    const number = classes.get(address) ?? 0
    const group = groups.get(number)
    if (group === undefined) groups.set(number, [piece])
    else group.push(piece)
  }
  return [...groups.values()].map((ranges) => {
    const [first] = ranges
    return { representative: addressOf(first?.family ?? 4, first?.first ?? 0n), ranges: joinRanges(ranges) }
  })
}

/** Everything a verdict asks of an address: in which of these lists it is. */
const netLists = (world: World): (readonly string[])[] => {
  const single = (addresses: readonly string[]) => addresses.map((address) => [address])
  const sides = world.policies.flatMap(({ spec }) => [...(spec.ingress ?? []), ...(spec.egress ?? [])]).flatMap(sidesOf)
  return [
    ...world.nodes.flatMap((node) => [...single(addressesOf(node)), node.podCidrs]),
    [...world.podCidrs],
    ...(world.ipPools ?? []).map(({ cidr }) => [cidr]),
    ...(world.floating ?? []).map(({ address }) => [address]),
    ...world.services.flatMap(({ clusterIPs, externalIPs, loadBalancerIPs, endpoints }) => [
      ...single([...clusterIPs, ...externalIPs, ...loadBalancerIPs]),
      ...single(endpoints.map(({ address }) => address)),
    ]),
    ...world.services.flatMap(({ loadBalancerSourceRanges }) => (loadBalancerSourceRanges === undefined ? [] : [loadBalancerSourceRanges])),
    ...(world.nodePortAddresses === undefined ? [] : [world.nodePortAddresses]),
    ...(world.hostPorts ?? []).map(({ pod }) => [pod]),
    ...Object.values(world.failsafes).flatMap(({ inbound, outbound }) =>
      [...inbound.ports, ...outbound.ports].flatMap(({ net }) => (net ? [[net]] : [])),
    ),
    ...world.hostEndpoints.map(({ spec }) => spec.expectedIPs ?? []),
    ...world.networkSets.map(({ spec }) => spec.nets ?? []),
    ...sides.flatMap(({ nets = [], notNets = [] }) => [nets, notNets]),
  ]
}

const sidesOf = ({ source = {}, destination = {} }: Rule): EntityRule[] => [source, destination]
