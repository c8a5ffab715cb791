import { PassThrough } from 'node:stream'
import { FwError } from '../errors.ts'
import type { Probe, ProbeResult } from '../firewall/probes/probes.ts'
import type { Clock } from '../rollout/clock.ts'
import { dialLine, isNodeProbe, type NodeProbe, type NodeVantage, seenCode } from './from-nodes.ts'

/** What following needs. */
export interface FollowContext {
  readonly vantage: NodeVantage
  readonly clock: Pick<Clock, 'sleep'>
}

/** Between two rounds on a node, in milliseconds. */
const everyMs = 400
/** A connection inside a cluster takes a few; silence for this long is a loss. */
const patienceMs = 700
/** The loop on the node ends when it has heard nothing for this many rounds, and after so many in any case; then it is begun anew. */
const silentRounds = 25
const mostRounds = 1_500
/** The client says that it is there this often, in milliseconds. */
const wordEveryMs = 2_000
/** Nodes followed at once; each holds one connection through the API server to a kubelet. */
const mostNodes = 12
/** Before a node whose loop broke off is begun with again, in milliseconds. */
const againMs = 1_000

/**
 * Keeps fresh connections from nodes under way: one loop in each node's calico-node, begun by one exec that stays, so that a cut is told over a connection
 * that was there before it. The loop ends with its stdin, or when that has been silent for ten seconds: nothing of it outlives this process.
 * Resolves when the signal aborts and every loop has been told to end.
 */
export const followFromNodes = async (
  { vantage, clock }: FollowContext,
  probes: readonly Probe[],
  each: (result: ProbeResult) => void,
  signal: AbortSignal,
): Promise<void> => {
  const byNode = new Map<string, NodeProbe[]>()
  for (const probe of probes.filter(isNodeProbe)) byNode.set(probe.target.node, [...(byNode.get(probe.target.node) ?? []), probe])
  await Promise.all(
    [...byNode].slice(0, mostNodes).map(async ([node, own]) => {
      while (!signal.aborted) {
        await followNode({ vantage, clock }, node, own, each, signal)
        await clock.sleep(againMs, signal).catch(() => undefined)
      }
    }),
  )
}

const followNode = async (
  { vantage, clock }: FollowContext,
  node: string,
  probes: readonly NodeProbe[],
  each: (result: ProbeResult) => void,
  signal: AbortSignal,
): Promise<void> => {
  const calicoNode = vantage.nodes.find(({ name }) => name === node)?.calicoNode
  if (calicoNode === undefined) return
  const input = new PassThrough()
  const stop = (): void => void input.end()
  signal.addEventListener('abort', stop, { once: true })
  const over = new AbortController()
  void sayWords(input, clock, AbortSignal.any([signal, over.signal]))
  let rest = ''
  const onOutput = (text: string): void => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [, at, code, words = ''] = /^(\d+) (\d+)(.*)$/.exec(line) ?? []
      const probe = probes[Number(at ?? Number.NaN)]
      if (probe !== undefined && !signal.aborted) each({ id: probe.id, ...seenCode(Number(code), words, patienceMs) })
    }
  }
  try {
    const where = { namespace: calicoNode.namespace, pod: calicoNode.pod, container: 'calico-node', command: ['bash', '-c', loopOf(probes)] }
    // Not the run's signal: that would cut the connection, and the loop ends by its stdin.
    await vantage.shell.run({ ...where, timeoutMs: mostRounds * (everyMs + patienceMs), input, onOutput })
  } catch (error) {
    if (!(error instanceof FwError)) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    over.abort()
    input.destroy()
  }
}

const sayWords = async (input: PassThrough, clock: FollowContext['clock'], signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    input.write('.\n')
    await clock.sleep(wordEveryMs, signal).catch(() => undefined)
  }
}

/** `read` is the pause between rounds, and learns that nobody listens any more: it ends with 1 at the end of stdin, above 128 in time. */
const loopOf = (probes: readonly NodeProbe[]): string =>
  [
    'set -f',
    'quiet=0',
    `for ((round = 0; round < ${mostRounds}; round++)); do`,
    ...probes.map(({ target }, at) => `  ${dialLine(target, at, patienceMs)}`),
    `  if read -rt ${everyMs / 1_000} _; then quiet=0; elif [ $? -le 128 ]; then break; else quiet=$((quiet + 1)); fi`,
    `  [ "$quiet" -lt ${silentRounds} ] || break`,
    'done',
    'exit 0',
  ].join('\n')
