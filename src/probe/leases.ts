import type { KubeObject } from '../calico/object.ts'
import { resourceOf } from '../calico/resources.ts'
import type { Api } from '../cluster/api.ts'
import type { Clock } from '../rollout/clock.ts'
import { seenFailure } from './answer.ts'
import type { Seen } from './dialer.ts'

/** Milliseconds between two looks at the Leases. */
const pollMs = 1_000
/** A kubelet renews after a quarter of leaseDurationSeconds (pkg/kubelet: renewIntervalFraction 0.25, so 10 s of 40): twice that is late. */
const patience = 0.5
const longestWaitMs = 60_000

/** Which nodes' Leases to wait for, and how long one look may take. */
interface LeaseQuestion {
  readonly nodes: readonly string[]
  /** When the step began. */
  readonly since: Date
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Waits for fresh Leases; kept for a whole run, since it learns how each node's clock differs from ours. */
export interface LeaseWatch {
  /** The answer for each node, each at the latest when its Lease is late by half of its duration. Rejects with the signal's reason. */
  waitFresh(question: LeaseQuestion): Promise<ReadonlyMap<string, Seen>>
}

interface Sighting {
  /** The Lease's own renewTime, by the node's clock. */
  readonly renewed: number
  /** Our monotonic reading. */
  readonly at: number
}

/**
 * renewTime is written by the node's clock, so it cannot be compared with ours as it stands. A renewal seen between two looks one second
 * apart tells the difference of the clocks; until a node has shown one, only a renewal seen with our own eyes counts.
 */
export const createLeaseWatch = (api: Pick<Api, 'list'>, clock: Clock): LeaseWatch => {
  const ahead = new Map<string, number>()

  return {
    waitFresh: async ({ nodes, since, timeoutMs, signal }) => {
      const began = clock.now()
      const stepBegan = began - Math.max(0, clock.wall().getTime() - since.getTime())
      const answers = new Map<string, Seen>()
      const last = new Map<string, Sighting>()
      for (;;) {
        const leases = await look(api, timeoutMs, signal)
        if ('outcome' in leases) return new Map(nodes.map((node) => [node, answers.get(node) ?? leases]))
        const at = clock.now()
        for (const node of nodes) {
          if (answers.has(node)) continue
          const lease = leases.found.get(node)
          const renewed = renewTimeOf(lease)
          if (renewed === undefined) {
            answers.set(node, { outcome: 'failed', detail: `node ${node} has no Lease in kube-node-lease` })
            continue
          }
          const before = last.get(node)
          last.set(node, { renewed, at })
          const witnessed = before !== undefined && renewed > before.renewed
          if (witnessed && at - before.at <= 2 * pollMs) ahead.set(node, Math.max(ahead.get(node) ?? Number.NEGATIVE_INFINITY, renewed - at))
          const known = ahead.get(node)
          if (witnessed || (known !== undefined && renewed - known > stepBegan)) answers.set(node, { outcome: 'ok' })
          else if (at - began >= waitOf(lease))
            answers.set(node, { outcome: 'timeout', detail: `Lease not renewed for ${Math.round((at - began) / 1_000)} s` })
        }
        if (answers.size >= new Set(nodes).size) return answers
        await clock.sleep(pollMs, signal)
      }
    },
  }
}

type Look = { readonly found: ReadonlyMap<string, KubeObject> } | Seen

const look = async (api: Pick<Api, 'list'>, timeoutMs: number, signal: AbortSignal): Promise<Look> => {
  try {
    const leases = await api.list(resourceOf('coordination.k8s.io/v1', 'Lease'), { namespace: 'kube-node-lease', timeoutMs, signal })
    return { found: new Map((leases ?? []).map((lease) => [lease.metadata.name, lease])) }
  } catch (error) {
    signal.throwIfAborted()
    return seenFailure(error, 'list leases in kube-node-lease')
  }
}

interface LeaseSpec {
  readonly renewTime?: string
  readonly leaseDurationSeconds?: number
}

const specOf = (lease: KubeObject | undefined): LeaseSpec => (lease?.spec ?? {}) as LeaseSpec

const renewTimeOf = (lease: KubeObject | undefined): number | undefined => {
  const time = Date.parse(specOf(lease).renewTime ?? '')
  return Number.isNaN(time) ? undefined : time
}

const waitOf = (lease: KubeObject | undefined): number => Math.min(longestWaitMs, patience * 1_000 * (specOf(lease).leaseDurationSeconds ?? 40))
