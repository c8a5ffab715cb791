import type { RunInPod } from '../cluster/pods/exec.ts'
import { FwError } from '../errors.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Inspection } from '../firewall/facts/inspection.ts'
import { inspectNode, type LookOptions } from './inspect-node.ts'
import type { SocketQuestions } from './inspect-sockets.ts'

/** How nodes are looked into. */
export interface InspectOptions extends Omit<LookOptions, 'timeoutMs' | 'way' | 'questions'> {
  /** Milliseconds for one command on one node; 8,000 unless told, and three times that where a pod must be started for it. */
  readonly timeoutMs?: number
  /** What control-plane nodes are asked about their connections. */
  readonly questions?: SocketQuestions
  /** Runs a command in a short pod on the node instead, where exec is forbidden: a write. Absent: nobody may. */
  readonly runInHostPod?: RunInPod
  /** At most this many nodes; 1,000 unless told. */
  readonly limit?: number
  /** Nodes at once; 16 unless told. */
  readonly concurrency?: number
}

/** Each is scheduled, started and deleted: more would be a load of its own. */
const mostPods = 100

const nothing: SocketQuestions = { apiPorts: [], own: [] }

/** One way to run a command on a node, and what is said where it is forbidden. */
interface Way {
  readonly name: LookOptions['way']
  readonly run: RunInPod
  readonly timeoutMs: number
  readonly refusal: string
}

/** What the looks found, by node name. */
export interface Inspections {
  readonly found: ReadonlyMap<string, Inspection>
  /** Why a node was not looked into, by node name. */
  readonly missing: ReadonlyMap<string, string>
}

/**
 * Looks into every Linux node that has a running calico-node pod, up to `limit`: the control plane first, then nodes spread evenly over the list. Where the
 * right to exec is missing nobody else is asked so, but by short pods, as long as those are allowed. Every node that was not seen is named with the reason.
 * Rejects with the signal's reason when it aborts.
 */
export const inspectNodes = async (nodes: readonly NodeFacts[], run: RunInPod, options: InspectOptions): Promise<Inspections> => {
  const { timeoutMs = 8_000, limit = 1_000, concurrency = 16, signal } = options
  const found = new Map<string, Inspection>()
  const missing = new Map<string, string>()
  const able = nodes.filter((node) => {
    const why = unable(node)
    if (why !== undefined) missing.set(node.name, why)
    return why === undefined
  })
  const chosen = sampleOf(able, limit)
  for (const { name } of able) if (!chosen.some((node) => node.name === name)) missing.set(name, `only ${limit} nodes are looked into`)
  const ways: readonly Way[] = [
    { name: 'exec', run, timeoutMs, refusal: 'the right to create pods/exec is missing' },
    ...(options.runInHostPod === undefined
      ? []
      : [
          {
            name: 'short pod' as const,
            run: options.runInHostPod,
            timeoutMs: 3 * timeoutMs,
            refusal: 'the rights to create pods/exec and pods are missing',
          },
        ]),
  ]
  let [refused, pods] = [0, 0]
  const lookAt = async (node: NodeFacts): Promise<Inspection | string> => {
    const { calicoNode } = node
    const at = refused
    const way = ways[at]
    if (calicoNode === undefined) return 'it has no calico-node pod'
    if (way === undefined) return ways.at(-1)?.refusal ?? ''
    if (way.name === 'short pod' && pods++ >= mostPods) return `only ${mostPods} nodes are looked into by short pods`
    try {
      return await inspectNode({ ...node, calicoNode }, way.run, {
        ...options,
        timeoutMs: way.timeoutMs,
        way: way.name,
        questions: (node.controlPlane ? options.questions : undefined) ?? nothing,
      })
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof FwError)) throw error
      if (error.code !== 'FW_FORBIDDEN') return error.message
      refused = Math.max(refused, at + 1)
      return lookAt(node)
    }
  }
  const queue = chosen.values()
  const worker = async (): Promise<void> => {
    for (const node of queue) {
      signal?.throwIfAborted()
      const seen = await lookAt(node)
      if (typeof seen === 'string') missing.set(node.name, seen)
      else found.set(node.name, seen)
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
