import { setMaxListeners } from 'node:events'
import type { Api } from '../cluster/api.ts'
import type { OpenSocket } from '../cluster/transport/network.ts'
import type { Probe, ProbeTarget } from '../firewall/probes/probes.ts'
import type { Clock } from '../rollout/clock.ts'
import type { ProbeRunner, RoundOptions } from '../rollout/ports.ts'
import { askApi, askKubelet } from './api-path.ts'
import { type AttemptOptions, dial, type Seen } from './dialer.ts'
import { askFromNodes, type NodeVantage } from './from-nodes.ts'
import { createLeaseWatch, type LeaseWatch } from './leases.ts'
import { mapPooled } from './pool.ts'
import { type CalicoNodePods, type Pulse, takePulse } from './pulse.ts'
import { askReady, type Trust } from './ready.ts'

/** What a prober works with. */
export interface ProberContext {
  /** For the cluster's pulse. */
  readonly api: Pick<Api, 'list' | 'get'>
  /** The API with a new connection for every request: an established one survives every mistake. */
  readonly probeApi: Pick<Api, 'request'>
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly trust: Trust
  readonly calicoNode: CalicoNodePods
  /** For connections from nodes; absent: they are not run. */
  readonly nodes?: NodeVantage
  /** Connections at once to what answers; 32 unless told. */
  readonly concurrency?: number
}

type Round = RoundOptions & AttemptOptions

/** Ports expected silent that are waited for at once: each costs a socket and its whole timeout, and nothing else. */
const silentAtOnce = 256

/** Milliseconds before a port that should be closed and is not yet is asked again. */
const askAgainMs = 100

/** A prober for one run; it learns the nodes' clocks on the way. */
export const createProber = (context: ProberContext): ProbeRunner => {
  const leases = createLeaseWatch(context.api, context.clock)
  const concurrency = context.concurrency ?? 32
  return {
    run: async (probes, options) => {
      const { signal = new AbortController().signal, timeoutMs = 3_000 } = options
      const round: Round = { ...options, signal, timeoutMs }
      // Dozens of connections listen to one signal, and that is no leak: Node would warn the user at the eleventh.
      setMaxListeners(0, signal)
      signal.throwIfAborted()
      const seen = new Map<string, Seen>()
      const connections = async (): Promise<void> => {
        const until = context.clock.now() + (round.settle?.ms ?? 0)
        const settling = new Set(round.settle?.nodes ?? [])
        await mapPooled(
          probes.filter(({ expect }) => expect === 'closed'),
          silentAtOnce,
          async ({ id, target, node = '' }) => {
            const ask = (): Promise<Seen> => askOnce(context, pulseOf(context, round), target, round)
            seen.set(id, await (settling.has(node) ? untilSilent(ask, until, context.clock, signal) : ask()))
          },
        )
        const pulse = pulseOf(context, round)
        const rest = probes.filter(({ expect, target }) => expect === 'open' && target.kind !== 'node-lease' && target.kind !== 'node-tcp')
        const fromNodes = askFromNodes(context.nodes, probes, round)
        // Looked at below; a failure of the rest must not leave it behind unheard.
        fromNodes.catch(() => undefined)
        await mapPooled(rest, concurrency, async ({ id, target }) => void seen.set(id, await askOnce(context, pulse, target, round)))
        for (const [id, answer] of await fromNodes) seen.set(id, answer)
      }
      await Promise.all([connections(), askLeases(leases, probes, round, seen)])
      signal.throwIfAborted()
      return probes.map(({ id }) => ({ id, ...(seen.get(id) ?? { outcome: 'not-run' }) }))
    },
  }
}

const pulseOf = ({ api, calicoNode }: ProberContext, { timeoutMs, signal }: Round): Pulse => takePulse(api, calicoNode, { timeoutMs, signal })

const untilSilent = async (ask: () => Promise<Seen>, until: number, clock: Clock, signal: AbortSignal): Promise<Seen> => {
  for (;;) {
    const seen = await ask()
    if (seen.outcome === 'timeout' || clock.now() >= until) return seen
    await clock.sleep(askAgainMs, signal)
  }
}

const askLeases = async (
  leases: LeaseWatch,
  probes: readonly Probe[],
  { since, timeoutMs, signal }: Round,
  seen: Map<string, Seen>,
): Promise<void> => {
  const asked = probes.flatMap(({ id, target }) => (target.kind === 'node-lease' ? [{ id, node: target.node }] : []))
  if (asked.length === 0) return
  const answers = await leases.waitFresh({ nodes: asked.map(({ node }) => node), since, timeoutMs, signal })
  for (const { id, node } of asked) seen.set(id, answers.get(node) ?? { outcome: 'not-run' })
}

const askOnce = (context: ProberContext, pulse: Pulse, target: ProbeTarget, options: Round): Promise<Seen> => {
  const { openSocket, probeApi, trust } = context
  switch (target.kind) {
    case 'tcp':
      return dial(openSocket, target.address, target.port, options)
    case 'api':
      return askReady(openSocket, target.address, target.port, trust, options)
    case 'kubeconfig':
      return askApi(probeApi, options)
    case 'kubelet':
      return askKubelet(probeApi, target.node, options)
    case 'node-ready':
      return pulse.nodeReady(target.node)
    case 'calico-node':
      return pulse.calicoNode(target.node)
    case 'api-service':
      return pulse.apiService(target.name)
    case 'node-lease':
    case 'node-tcp':
      throw new Error(`${target.kind} probes are asked together`)
  }
}
