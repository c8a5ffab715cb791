import { toolNamespace } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { refOf } from '../../calico/object.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import type { GateObjects } from '../steps.ts'
import { armGate } from './gate.ts'

/** The canary's own deadline, in seconds. */
const canarySeconds = 3
/** How long after its deadline a rehearsal may take, in milliseconds. */
const rehearsalLagMs = 10_000

/**
 * A set no policy selects, owned by a Job with a 3 s deadline: the whole chain of Job controller, TTL, and garbage collector as it is on this very cluster.
 * Returns by how many milliseconds it outlived its deadline; calls `overdue` meanwhile, so that a lag is known before it ends.
 * @throws FwError FW_GATE when it is still there after `patienceMs`
 */
const flyCanary = async (
  api: Api,
  clock: Clock,
  gate: GateObjects,
  { name, signal, overdue, patienceMs }: { name: string; signal?: AbortSignal; overdue?: (ms: number) => void; patienceMs: number },
): Promise<number> => {
  const rename = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { name, namespace: toolNamespace, labels: { 'calico-fw.github.io/canary': 'true' } },
  })
  const canary: GateObjects = { job: rename(gate.job), set: rename(gate.set) }
  const armed = await armGate(api, clock, canary, canarySeconds, signal)
  const due = armed.armedAt + canarySeconds * 1000
  for (;;) {
    await clock.sleep(Math.max(100, Math.min(due - clock.now(), 1_000)), signal)
    const set = await api.get(refOf(canary.set), { timeoutMs: 5_000, ...(signal ? { signal } : {}) })
    const late = clock.now() - due
    if (set === undefined || set.metadata.uid !== armed.setUid) return Math.max(0, late)
    if (late > 0) overdue?.(late)
    if (late > patienceMs) {
      await api.delete(refOf(canary.set))
      await api.delete(refOf(canary.job), { propagation: 'Background' })
      throw new FwError('FW_GATE', 'the rehearsal of the gate failed: this cluster would not open by itself', {
        why: `a NetworkSet owned by a Job with a deadline of ${canarySeconds} s was still there ${Math.round(late / 1000)} s after it`,
        fix: 'kube-controller-manager must run, unburdened, with its job, ttl-after-finished and garbage-collector controllers; see its log, then try again',
      })
    }
  }
}

/** Refuses a cluster whose controllers do not keep a Job's deadline. */
export const rehearse = (api: Api, clock: Clock, gate: GateObjects, name: string, signal?: AbortSignal): Promise<number> =>
  flyCanary(api, clock, gate, { name, patienceMs: rehearsalLagMs, ...(signal ? { signal } : {}) })

/** Flies one canary after another until the signal aborts, and tells every lag, also of one still in the air. */
export const watchLag = async (
  api: Api,
  clock: Clock,
  gate: GateObjects,
  options: { name: (n: number) => string; signal: AbortSignal; lag: (ms: number) => void },
): Promise<void> => {
  for (let n = 1; !options.signal.aborted; n++) {
    try {
      options.lag(await flyCanary(api, clock, gate, { name: options.name(n), signal: options.signal, overdue: options.lag, patienceMs: 60_000 }))
      await clock.sleep(2_000, options.signal)
    } catch (error) {
      if (options.signal.aborted) return
      // An API that does not answer is the probes' finding and the deadline's business; the canary only tells of lag it has seen.
      if (error instanceof FwError && error.code === 'FW_GATE') options.lag(Number.POSITIVE_INFINITY)
      await clock.sleep(1_000, options.signal).catch(() => undefined)
    }
  }
}
