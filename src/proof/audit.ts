import type { Facts, NodeFacts } from '../firewall/facts.ts'
import { type Flow, flowKey } from '../firewall/flows.ts'
import { addressesOf } from '../firewall/network-sets.ts'
import type { Plan } from '../firewall/plan.ts'
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
  /** Connections that came in from elsewhere, each counted once. */
  readonly seen: number
  readonly kept: number
}

/**
 * Judges each connection as if it began anew under the plan. What a node or its own pods began does not come in by a HostEndpoint there and is left out; what is
 * closed today already is none the plan cuts.
 */
export const audit = (facts: Facts, plan: Plan, flows: readonly Flow[]): Audit => {
  const [before, after] = [worldOf(facts), committedWorld(facts, plan)].map(createVerdicts)
  if (before === undefined || after === undefined) throw new Error('two worlds give two judges')
  const own = new Map(facts.nodes.map((node) => [node.name, isOwn(node)]))
  const distinct = new Map(flows.filter(({ node, source }) => own.get(node)?.(source) === false).map((flow) => [flowKey(flow), flow]))
  const rows = { cut: new Map<string, CutFlows>(), unknown: new Map<string, CutFlows>() }
  let kept = 0
  for (const { node, source, destination, protocol, port, sourcePort } of distinct.values()) {
    const connection = { source, destination, protocol, port, sourcePort, via: node }
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
  return { cut: sorted(rows.cut), unknown: sorted(rows.unknown), seen: distinct.size, kept }
}

/** Whether an address is the node's own, or of a pod on it. */
const isOwn = (node: NodeFacts): ((address: Address) => boolean) => {
  const own = new Set<Address>(addressesOf(node))
  const pods = node.podCidrs.map(rangeOf)
  const isPod = (address: Address): boolean => pods.some((range) => holds(range, address))
  return (address) => own.has(address) || isPod(address) || address === '127.0.0.1' || address === '::1'
}
