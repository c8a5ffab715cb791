import { resourceOf } from '../../calico/resources.ts'
import { FwError } from '../../errors.ts'
import type { PerformContext } from './context.ts'
import { notRealised, seeRealised, stuckFelixes } from './realised.ts'

/** A failsafe edit makes Felix exit after 2 s (felix/daemon/daemon.go) and enforce again within about 8 s. */
const exitWithinMs = 6_000
const readyWithinMs = 90_000
/** A Felix that is stopped, crash-looping or cut off is waited for this long, then named. */
const stuckForMs = 8_000

/** Waits for every Felix that was alive when the facts were gathered, or for those of the nodes given. */
export const settle = async (context: PerformContext, what: 'restart' | 'sync', nodes?: readonly string[]): Promise<void> => {
  const { clock } = context.ports
  if (what === 'sync') {
    return seeRealised(context, context.memory.written ?? [])
  }
  const alive = context.subject.facts.nodes.flatMap(({ name, calicoNode }) =>
    calicoNode?.ready === true && nodes?.includes(name) !== false ? [calicoNode.pod] : [],
  )
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
    const isBack = missing.length === 0 && (dropped.size === alive.length || waited > exitWithinMs)
    // A pod stays Ready for a while after its Felix was stopped, and is Ready now and then while it ends again and again.
    const stuck = isBack || waited > stuckForMs ? await stuckFelixes(context) : []
    if (isBack && stuck.length === 0) return
    if (stuck.length > 0 && waited > stuckForMs) throw notRealised(stuck)
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
