import type { Api } from '../cluster/api.ts'
import type { OpenSocket } from '../cluster/network.ts'
import type { Probe, ProbeResult, ProbeTarget } from '../firewall/probes.ts'
import type { Clock } from '../rollout/clock.ts'
import { seenFailure } from './answer.ts'
import { dial, type Seen } from './dialer.ts'
import { createLeaseWatch, type LeaseWatch } from './leases.ts'
import { mapPooled } from './pool.ts'
import { type CalicoNodePods, type Pulse, takePulse } from './pulse.ts'
import { askReady, type Trust } from './ready.ts'

/** How one round of probes is asked. */
export interface RoundOptions {
  readonly signal: AbortSignal
  /** When the step began: Leases must be renewed after it. */
  readonly since: Date
  /** Connections at once. */
  readonly concurrency: number
  /** Milliseconds one connection may take; silence lasts this long. */
  readonly timeoutMs: number
  /**
   * `closed` probes of these nodes are asked first and again until they are silent or `ms` have passed: Felix takes 0.1 to 1.6 s on an idle
   * cluster, and `open` probes asked before the new rules are in force would praise the old ones.
   */
  readonly settle?: { readonly nodes: readonly string[]; readonly ms: number }
}

/** Asks probes over fresh connections, within a bounded time. */
export interface ProbeRunner {
  /** One result for each probe, in their order. Rejects with the signal's reason when it aborts: half a round is no answer. */
  run(probes: readonly Probe[], options: RoundOptions): Promise<ProbeResult[]>
}

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
}

/** Milliseconds before a port that should be closed and is not yet is asked again. */
const askAgainMs = 100

/** A prober for one run; it learns the nodes' clocks on the way. */
export const createProber = (context: ProberContext): ProbeRunner => {
  const leases = createLeaseWatch(context.api, context.clock)
  return {
    run: async (probes, options) => {
      options.signal.throwIfAborted()
      const settling = new Set(options.settle?.nodes ?? [])
      const isFirst = ({ expect, node }: Probe): boolean => expect === 'closed' && node !== undefined && settling.has(node)
      const seen = new Map<string, Seen>()
      const connections = async (): Promise<void> => {
        const until = context.clock.now() + (options.settle?.ms ?? 0)
        await mapPooled(probes.filter(isFirst), options.concurrency, async ({ id, target }) => {
          seen.set(id, await untilSilent(() => askOnce(context, pulseOf(context, options), target, options), until, context.clock, options.signal))
        })
        const pulse = pulseOf(context, options)
        const rest = probes.filter((probe) => !isFirst(probe) && probe.target.kind !== 'node-lease')
        await mapPooled(rest, options.concurrency, async ({ id, target }) => void seen.set(id, await askOnce(context, pulse, target, options)))
      }
      await Promise.all([connections(), askLeases(leases, probes, options, seen)])
      options.signal.throwIfAborted()
      return probes.map(({ id }) => ({ id, ...(seen.get(id) ?? { outcome: 'not-run' }) }))
    },
  }
}

const pulseOf = ({ api, calicoNode }: ProberContext, { timeoutMs, signal }: RoundOptions): Pulse => takePulse(api, calicoNode, { timeoutMs, signal })

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
  { since, timeoutMs, signal }: RoundOptions,
  seen: Map<string, Seen>,
): Promise<void> => {
  const asked = probes.flatMap(({ id, target }) => (target.kind === 'node-lease' ? [{ id, node: target.node }] : []))
  if (asked.length === 0) return
  const answers = await leases.waitFresh({ nodes: asked.map(({ node }) => node), since, timeoutMs, signal })
  for (const { id, node } of asked) seen.set(id, answers.get(node) ?? { outcome: 'not-run' })
}

const askOnce = (context: ProberContext, pulse: Pulse, target: ProbeTarget, options: RoundOptions): Promise<Seen> => {
  const { openSocket, probeApi, trust } = context
  switch (target.kind) {
    case 'tcp':
      return dial(openSocket, target.address, target.port, options)
    case 'api':
      return askReady(openSocket, target.address, target.port, trust, options)
    case 'kubeconfig':
      return askApi(probeApi, '/readyz', 'get the path /readyz', options)
    case 'kubelet':
      return askApi(probeApi, `/api/v1/nodes/${encodeURIComponent(target.node)}/proxy/healthz`, 'get nodes/proxy', options)
    case 'node-ready':
      return pulse.nodeReady(target.node)
    case 'calico-node':
      return pulse.calicoNode(target.node)
    case 'api-service':
      return pulse.apiService(target.name)
    case 'node-lease':
      throw new Error('node-lease probes are asked together')
  }
}

const askApi = async (api: ProberContext['probeApi'], path: string, right: string, { timeoutMs, signal }: RoundOptions): Promise<Seen> => {
  try {
    await api.request('GET', path, undefined, { timeoutMs, signal })
    return { outcome: 'ok' }
  } catch (error) {
    signal.throwIfAborted()
    return seenFailure(error, right)
  }
}
