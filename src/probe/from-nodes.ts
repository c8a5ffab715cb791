import type { NodeShell } from '../cluster/pods/node-shell.ts'
import { FwError } from '../errors.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Probe, ProbeTarget } from '../firewall/probes/probes.ts'
import type { AttemptOptions, Seen } from './dialer.ts'
import { mapPooled } from './pool.ts'

/** Where connections from nodes begin: bash in their calico-node pods, or in short pods beside them. */
export interface NodeVantage {
  readonly shell: NodeShell
  readonly nodes: readonly Pick<NodeFacts, 'name' | 'calicoNode'>[]
}

/** A connection that begins on a node. */
export type NodeProbe = Probe & { readonly target: Extract<ProbeTarget, { kind: 'node-tcp' }> }

/** Connecting to the API and to the kubelet, and starting the shells, besides the connections' own patience; milliseconds. */
const overheadMs = 4_000
/** Nodes at once; each exec is a connection of its own through the API server to a kubelet. */
const concurrency = 8
/** Where each question costs a pod, this many nodes are asked. */
const mostPods = 8

/** Whether a probe begins on a node. */
export const isNodeProbe = (probe: Probe): probe is NodeProbe => probe.target.kind === 'node-tcp'

/** Asks the `node-tcp` probes, one command for each node they start from, all of a node's connections at once. The answers are by probe id. */
export const askFromNodes = async (
  vantage: NodeVantage | undefined,
  probes: readonly Probe[],
  options: AttemptOptions,
): Promise<ReadonlyMap<string, Seen>> => {
  const seen = new Map<string, Seen>()
  const byNode = new Map<string, NodeProbe[]>()
  for (const probe of probes.filter(isNodeProbe)) byNode.set(probe.target.node, [...(byNode.get(probe.target.node) ?? []), probe])
  await mapPooled([...byNode], concurrency, async ([node, own], index) => {
    const answers =
      index >= mostPods && vantage?.shell.byPods() === true
        ? own.map((): Seen => ({ outcome: 'not-run', detail: `only ${mostPods} nodes are asked by short pods` }))
        : await askFromNode(vantage, node, own, options)
    for (const [at, { id }] of own.entries()) seen.set(id, answers[at] ?? { outcome: 'not-run' })
  })
  return seen
}

const askFromNode = async (
  vantage: NodeVantage | undefined,
  node: string,
  probes: readonly NodeProbe[],
  options: AttemptOptions,
): Promise<readonly Seen[]> => {
  const all = (outcome: Seen): Seen[] => probes.map(() => outcome)
  const calicoNode = vantage?.nodes.find(({ name }) => name === node)?.calicoNode
  if (vantage === undefined || calicoNode === undefined) return all({ outcome: 'not-run', detail: 'nobody can look from there' })
  const { timeoutMs, signal } = options
  const command = ['bash', '-c', scriptOf(probes, timeoutMs)]
  try {
    const where = { namespace: calicoNode.namespace, pod: calicoNode.pod, container: 'calico-node', command }
    const { stdout } = await vantage.shell.run({ ...where, timeoutMs: timeoutMs + overheadMs, signal })
    const lines = new Map(
      [...stdout.matchAll(/^(\d+) (\d+)(.*)$/gm)].map(([, at, code, words = '']) => [Number(at), seenCode(Number(code), words, timeoutMs)]),
    )
    return probes.map((_, at) => lines.get(at) ?? { outcome: 'not-run', detail: 'the node gave no answer' })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof FwError)) throw error
    return all({ outcome: 'not-run', detail: error.message })
  }
}

const scriptOf = (probes: readonly NodeProbe[], timeoutMs: number): string =>
  ['set -f', ...probes.map(({ target }, at) => dialLine(target, at, timeoutMs)), 'wait', 'exit 0'].join('\n')

/**
 * Bash opens the connection itself (`/dev/tcp`), for calico-node's image has neither nc nor curl. Each answer is one line, `NUMBER CODE WORDS`: the
 * connections end when they end, and bash writes line by line, so answers of several lines would mix.
 */
export const dialLine = ({ address, port }: NodeProbe['target'], at: number, timeoutMs: number): string => {
  const dial = `o=$(timeout ${timeoutMs / 1_000} bash -c '</dev/tcp/${address}/${port}' 2>&1); c=$?`
  // Unquoted, the words of several lines become one.
  return `{ ${dial}; echo ${at} $c $o; } &`
}

/** bash's own exit code says only that it failed; its words say how. 124 is timeout's. */
export const seenCode = (code: number, words: string, timeoutMs: number): Seen => {
  if (code === 0) return { outcome: 'ok' }
  if (code === 124) return { outcome: 'timeout', detail: `no answer in ${timeoutMs / 1_000} s` }
  if (/refused|reset/i.test(words)) return { outcome: 'refused', detail: 'ECONNREFUSED' }
  if (code === 126 || code === 127) return { outcome: 'not-run', detail: 'the image has no bash or timeout' }
  return { outcome: 'failed', detail: /: ([^:]+)$/.exec(words.trim())?.[1] ?? `exit code ${code}` }
}
