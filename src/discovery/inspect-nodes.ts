import type { RunInPod } from '../cluster/exec.ts'
import { FwError } from '../errors.ts'
import type { NodeFacts } from '../firewall/facts.ts'
import type { Inspection } from '../firewall/inspection.ts'
import { inspectNode, type LookOptions } from './inspect-node.ts'

/** How nodes are looked into. */
export interface InspectOptions extends Omit<LookOptions, 'timeoutMs'> {
  /** Milliseconds for one command on one node; 8,000 unless told. */
  readonly timeoutMs?: number
  /** At most this many nodes; 100 unless told. */
  readonly limit?: number
  /** Nodes at once; 8 unless told. */
  readonly concurrency?: number
}

/** What the looks found, by node name. */
export interface Inspections {
  readonly found: ReadonlyMap<string, Inspection>
  /** Why a node was not looked into, by node name. */
  readonly missing: ReadonlyMap<string, string>
}

/**
 * Looks into every Linux node that has a running calico-node pod, up to `limit`: the control plane first, then nodes spread evenly over the list. Where the
 * right to exec is missing nobody else is asked. Every node that was not seen is named with the reason.
 * Rejects with the signal's reason when it aborts.
 */
export const inspectNodes = async (nodes: readonly NodeFacts[], run: RunInPod, options: InspectOptions): Promise<Inspections> => {
  const { timeoutMs = 8_000, limit = 100, concurrency = 8, signal } = options
  const found = new Map<string, Inspection>()
  const missing = new Map<string, string>()
  const able = nodes.filter((node) => {
    const why = unable(node)
    if (why !== undefined) missing.set(node.name, why)
    return why === undefined
  })
  const chosen = sampleOf(able, limit)
  for (const { name } of able) if (!chosen.some((node) => node.name === name)) missing.set(name, `only ${limit} nodes are looked into`)
  let refused: string | undefined
  const queue = chosen.values()
  const worker = async (): Promise<void> => {
    for (const node of queue) {
      signal?.throwIfAborted()
      if (refused !== undefined) {
        missing.set(node.name, refused)
        continue
      }
      const { calicoNode } = node
      if (calicoNode === undefined) continue
      try {
        found.set(node.name, await inspectNode({ ...node, calicoNode }, run, { ...options, timeoutMs }))
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof FwError)) throw error
        const why = error.code === 'FW_FORBIDDEN' ? 'the right to create pods/exec is missing' : error.message
        if (error.code === 'FW_FORBIDDEN') refused = why
        missing.set(node.name, why)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, chosen.length) }, worker))
  return { found, missing }
}

const unable = ({ operatingSystem, ready, calicoNode }: NodeFacts): string | undefined => {
  if (operatingSystem !== 'linux') return `it runs ${operatingSystem}`
  if (calicoNode === undefined) return 'it has no calico-node pod'
  return ready ? undefined : 'it is not Ready'
}

const sampleOf = (nodes: readonly NodeFacts[], limit: number): readonly NodeFacts[] => {
  if (nodes.length <= limit) return nodes
  const central = nodes.filter(({ controlPlane }) => controlPlane).slice(0, limit)
  const rest = nodes.filter((node) => !central.includes(node))
  const room = limit - central.length
  return [...central, ...Array.from({ length: room }, (_, at) => rest[Math.floor((at * rest.length) / room)]).filter((node) => node !== undefined)]
}
