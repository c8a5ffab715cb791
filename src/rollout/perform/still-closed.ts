import { FwError } from '../../errors.ts'
import { isKubeletDoor } from '../../firewall/probes/door-probes.ts'
import { isReached, type Probe } from '../../firewall/probes/probes.ts'
import type { PerformContext } from './context.ts'

/** Patience with one port, in milliseconds. */
const lookMs = 2_000

/**
 * Looks whether kubelets that answered before anything was closed answer again; undefined where they do. Objects and life lines do not show it: a Felix that
 * stands still goes on closing, and lets through what its old rules let through.
 */
export const stillClosed = async (context: PerformContext): Promise<FwError | undefined> => {
  const { subject, ports, memory, config } = context
  const probes = subject.answered ?? answeredBefore(context)
  const results = await ports.prober.run(probes, { since: memory.since, timeoutMs: lookMs })
  const open = new Set(results.flatMap(({ id, outcome }) => (isReached(outcome) ? [id] : [])))
  const silent = probes.filter(({ id }) => !open.has(id))
  const [first, ...more] = silent
  if (first === undefined) return undefined
  // Whoever closed them may have asked from elsewhere: from here perhaps no kubelet ever answered.
  if (config.isRollback && open.size === 0) {
    ports.report({ kind: 'note', text: `no kubelet answers from here, ${first.title} for one: whether every node is open again was not seen` })
    return undefined
  }
  return new FwError('FW_ROLLBACK_INCOMPLETE', `${first.title} answered before it was closed, and is silent still`, {
    why: more.length === 0 ? 'Felix there does not follow' : `and ${more.length} more: Felix there does not follow`,
    fix: 'see what ails it: kubectl calico-fw doctor; then: kubectl calico-fw rollback',
  })
}

const answeredBefore = ({ subject, memory }: PerformContext): Probe[] => {
  const answered = new Set(memory.baseline.flatMap(({ id, outcome }) => (isReached(outcome) ? [id] : [])))
  return subject.probes.filter((one) => isKubeletDoor(one) && answered.has(one.id))
}
