import { resourceOf } from '../../calico/resources.ts'
import { FwError } from '../../errors.ts'
import type { PerformContext } from './context.ts'

/** A failsafe edit makes Felix exit after 2 s (felix/daemon/daemon.go) and enforce again within about 8 s. */
const exitWithinMs = 6_000
const readyWithinMs = 90_000
/**
 * Felix programmed every change on an idle cluster within 0.1 to 1.6 s of the write. Until nodes can be looked into, nothing tells when a set or a policy
 * has arrived, so this is a bounded grace and not an observation; what a batch closes is observed by its probes.
 */
const syncGraceMs = 2_000

/** Waits for every Felix that was alive when the facts were gathered. */
export const settle = async (context: PerformContext, what: 'restart' | 'sync'): Promise<void> => {
  const { clock } = context.ports
  if (what === 'sync') {
    await clock.sleep(syncGraceMs, context.signal)
    return
  }
  const alive = context.subject.facts.nodes.flatMap(({ calicoNode }) => (calicoNode?.ready === true ? [calicoNode.pod] : []))
  if (alive.length === 0) {
    await clock.sleep(exitWithinMs, context.signal)
    return
  }
  const begun = clock.now()
  const dropped = new Set<string>()
  for (;;) {
    const ready = await readyPods(context)
    for (const pod of alive) if (!ready.has(pod)) dropped.add(pod)
    const missing = alive.filter((pod) => !ready.has(pod))
    const waited = clock.now() - begun
    if (missing.length === 0 && (dropped.size === alive.length || waited > exitWithinMs)) return
    if (waited > readyWithinMs) {
      throw new FwError('FW_PREFLIGHT', `Felix is not ready again on ${missing.length} of ${alive.length} nodes`, {
        why: `${missing.slice(0, 3).join(', ')} did not become Ready within ${readyWithinMs / 1000} s of the failsafe change`,
        fix: `kubectl logs -n ${context.subject.facts.calico.namespace} ${missing[0] ?? ''}`,
      })
    }
    await clock.sleep(300, context.signal)
  }
}

const readyPods = async ({ ports, subject }: PerformContext): Promise<Set<string>> => {
  const labelSelector = Object.entries(subject.facts.calico.nodePodLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const pods = (await ports.api.list(resourceOf('v1', 'Pod'), { namespace: subject.facts.calico.namespace, labelSelector })) ?? []
  const isReady = (pod: (typeof pods)[number]) =>
    ((pod['status'] as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    )
  return new Set(pods.filter(isReady).map(({ metadata }) => metadata.name))
}
