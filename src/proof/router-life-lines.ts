import { routerCalls, routerSuggestions } from '../firewall/plan/suggestions.ts'
import { parsePortSpec } from '../net/port.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet } from './life-line.ts'

/** Routers outside that speak BGP or BFD with the nodes, and where the file limits what nodes send also the other way. */
export const routerLifeLines = (cast: Cast): LifeLine[] => [...fromRouters(cast), ...(cast.firewall.spec.egress === undefined ? [] : toRouters(cast))]

const toRouters = ({ facts, callers }: Cast): LifeLine[] =>
  routerCalls(facts).flatMap(({ address, protocol, port, reason }) =>
    callers.flatMap((node) =>
      meet(internal(node), [address]).map(([source, destination]) => ({
        title: `node ${node.name} -> router ${destination} (${port}/${protocol.toLowerCase()})`,
        connection: { source, destination, protocol, port },
        why: reason,
        remedy: 'let no policy of somebody else that selects the HostEndpoints govern egress',
        nodes: [node.name],
      })),
    ),
  )

/** On a port no failsafe keeps. */
const fromRouters = ({ facts, callers }: Cast): LifeLine[] =>
  routerSuggestions(facts).flatMap(({ value, reason }) => {
    const [spec = '', net = ''] = value.split('@')
    const { protocol, first: port } = parsePortSpec(spec)
    const peers = (facts.components?.bgp.peers ?? []).filter(({ address }) => net.startsWith(`${address}/`)).slice(0, 1)
    return callers.flatMap((node) =>
      meet(
        peers.map(({ address }) => address),
        internal(node),
      ).map(([source, destination]) => ({
        title: `router ${source} -> node ${node.name} (${spec})`,
        connection: { source, destination, protocol, port },
        why: reason,
        remedy: `open it: --open ${value}, or an entry of spec.allow with to: {nodes: true}`,
        nodes: [node.name],
      })),
    )
  })
