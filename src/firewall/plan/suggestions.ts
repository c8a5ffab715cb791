import type { Address } from '../../net/address.ts'
import { hostCidr } from '../../net/cidr.ts'
import type { Facts } from '../facts/facts.ts'
import { opens } from './failsafe-change.ts'

/** A door the cluster needs and nothing else keeps open. */
export interface Suggestion {
  /** A value of `--open`. */
  readonly value: string
  readonly reason: string
}

/** BFD between neighbours on one link, and over several hops (RFC 5881, RFC 5883). */
const bfdPorts = [3784, 4784] as const

type SuggestionFacts = Pick<Facts, 'components' | 'failsafes' | 'hostPorts'>

const isFailsafe = ({ failsafes }: SuggestionFacts, port: number): boolean =>
  Object.values(failsafes).every(({ inbound }) => opens(inbound.ports, { protocol: 'TCP', port }))

/** Connections from routers outside: BGP where its port is no failsafe, and the failure detection that would tear routes down. MetalLB only calls. */
export const routerSuggestions = (facts: SuggestionFacts): Suggestion[] => {
  const { peers = [], port = 179 } = facts.components?.bgp ?? {}
  return peers.flatMap(({ address, bfd, by, source }) => [
    ...(by === 'Calico' && !isFailsafe(facts, port)
      ? [{ value: `${port}/tcp@${hostCidr(address)}`, reason: `BGP from ${source}: without it routes to pods are lost` }]
      : []),
    ...(bfd
      ? bfdPorts.map((one) => ({ value: `${one}/udp@${hostCidr(address)}`, reason: `BFD from ${source}: without it its BGP session goes down` }))
      : []),
  ])
}

/** Connections to routers outside, which a list for egress must let out: BFD goes both ways, and BGP is called from here too, by MetalLB only from here. */
export const routerCalls = (
  facts: SuggestionFacts,
): { readonly address: Address; readonly protocol: 'TCP' | 'UDP'; readonly port: number; readonly reason: string }[] => {
  const { peers = [], port = 179 } = facts.components?.bgp ?? {}
  return peers.flatMap(({ address, bfd, by, source }) => [
    { address, protocol: 'TCP' as const, port: by === 'Calico' ? port : 179, reason: `BGP to ${source}: without it routes to pods are lost` },
    ...(bfd
      ? bfdPorts.map((one) => ({ address, protocol: 'UDP' as const, port: one, reason: `BFD to ${source}: without it its BGP session goes down` }))
      : []),
  ])
}

/** Ports that pods publish on their nodes, each once. */
const hostPortSuggestions = ({ hostPorts = [] }: SuggestionFacts): Suggestion[] => {
  const nodes = new Map<string, Set<string>>()
  for (const { hostPort, protocol, node } of hostPorts) {
    const value = `${hostPort}/${protocol.toLowerCase()}`
    nodes.set(value, (nodes.get(value) ?? new Set()).add(node))
  }
  return [...nodes].map(([value, on]) => ({
    value,
    reason: `published by pods on ${on.size === 1 ? [...on][0] : `${on.size} nodes`}: without it their users are cut off`,
  }))
}

/** Everything to be offered for `--open`, with the reason. */
export const suggestions = (facts: SuggestionFacts): Suggestion[] => [...routerSuggestions(facts), ...hostPortSuggestions(facts)]
