import type { Facts, NodeFacts } from '../firewall/facts/facts.ts'
import { type Flow, flowKey } from '../firewall/facts/flows.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import type { Address } from '../net/address.ts'
import { holds, rangeOf } from '../net/cidr.ts'
import { createVerdicts } from '../verdict/verdicts.ts'
import { worldOf } from '../verdict/world.ts'
import { committedWorld } from './plan-states.ts'

/** Real connections of one kind that a plan would cut. */
export interface CutFlows {
  readonly source: Address
  readonly destination: Address
  readonly protocol: Flow['protocol']
  readonly port: number
  readonly node: string
  /** How many were seen. */
  readonly connections: number
  /** What decides, in words. */
  readonly because: string
}

/** What would become of real connections under a plan. */
export interface Audit {
  readonly cut: readonly CutFlows[]
  /** Of kinds the model does not know the answer for. */
  readonly unknown: readonly CutFlows[]
  /** Connections that were judged, each counted once: those that came in from elsewhere, and those nodes began where the plan limits what they send. */
  readonly seen: number
  /** How many of them nodes began. */
  readonly sent: number
  readonly kept: number
}

/**
 * Judges each connection as if it began anew under the plan. What a node's own pods began does not come in by a HostEndpoint there and is left out, and so is what the
 * node itself began, unless the plan limits egress; what is closed today already is none the plan cuts.
 */
export const audit = (facts: Facts, plan: Plan, flows: readonly Flow[]): Audit => {
  const [before, after] = [worldOf(facts), committedWorld(facts, plan)].map(createVerdicts)
  if (before === undefined || after === undefined) throw new Error('two worlds give two judges')
  const isLimited = plan.firewall.spec.egress !== undefined
  const beginner = new Map(facts.nodes.map((node) => [node.name, beginnerOn(node)]))
  const begins = ({ node, source }: Flow) => beginner.get(node)?.(source)
  const distinct = new Map(
    flows.filter((flow) => begins(flow) === 'other' || (isLimited && begins(flow) === 'node')).map((flow) => [flowKey(flow), flow]),
  )
  const rows = { cut: new Map<string, CutFlows>(), unknown: new Map<string, CutFlows>() }
  let [kept, sent] = [0, 0]
  for (const flow of distinct.values()) {
    const { node, source, destination, protocol, port, sourcePort } = flow
    const isSent = begins(flow) === 'node'
    if (isSent) sent++
    const connection = { source, destination, protocol, port, sourcePort, ...(isSent ? {} : { via: node }) }
    const { action, decisions } = after(connection)
    if (action === 'allow' || before(connection).action === 'deny') {
      kept++
      continue
    }
    const kind = rows[action === 'deny' ? 'cut' : 'unknown']
    const key = `${source} ${destination} ${protocol} ${port} ${node}`
    const known = kind.get(key)
    const because = decisions.at(-1)?.text ?? ''
    kind.set(
      key,
      known === undefined ? { source, destination, protocol, port, node, connections: 1, because } : { ...known, connections: known.connections + 1 },
    )
  }
  const sorted = (some: Map<string, CutFlows>): CutFlows[] =>
    [...some.values()].sort((one, other) => other.connections - one.connections || one.port - other.port)
  return { cut: sorted(rows.cut), unknown: sorted(rows.unknown), seen: distinct.size, sent, kept }
}

/** Who began a connection that this node remembers. */
const beginnerOn = (node: NodeFacts): ((address: Address) => 'node' | 'pod' | 'other') => {
  const own = new Set<Address>(addressesOf(node))
  const pods = node.podCidrs.map(rangeOf)
  const isPod = (address: Address): boolean => pods.some((range) => holds(range, address))
  const isLoopback = (address: Address): boolean => address === '127.0.0.1' || address === '::1'
  return (address) => (own.has(address) ? 'node' : isPod(address) || isLoopback(address) ? 'pod' : 'other')
}
