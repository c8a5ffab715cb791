import type { Step } from '../../src/rollout/steps.ts'
import { abandoned, type Cluster, hasGate, landed, ticksOfWindow, type Write } from './cluster.ts'
import type { Scenario } from './scenarios.ts'
import type { Client, World } from './world.ts'

/** What one request must never do; undefined where it does none of it. */
export const wrongBy = (
  before: World,
  after: World,
  scenario: Scenario,
  sent: { write: Write; step: Step; client: Client } | undefined,
): string | undefined => {
  const [closedBefore, closed] = [scenario.closed(before.cluster), scenario.closed(after.cluster)]
  if (sent === undefined) return undefined
  const { write, step, client } = sent
  const { run } = client
  // A pulse that outlives its question patches a Job that is gone: 404.
  const isLate = write.kind === 'renew' && !hasGate(before.cluster)
  if (!isLate && !('free' in write && write.free === true) && before.cluster.lock?.holder !== 'me') return 'a write without the lock'
  if (run.mode === 'undo' && closed.some((one) => !closedBefore.includes(one))) return 'an undo closes'
  if (write.kind === 'namespace' && before.cluster.objects.size > 0) return 'the checkpoints go, and something of ours stays'
  const isSaved = (key: string): boolean => run.images.some(({ ref }) => key.endsWith(` ${ref.name}`))
  if (step.kind === 'write' && write.kind === 'put' && !isSaved(write.key)) return 'a write without a before-image'
  if (run.mode === 'undo' && step.kind === 'restore' && run.mayBeClosed && !run.remaining.some(({ title }) => opening.includes(title)))
    return 'an undo takes away before it has opened'
  if (step.kind === 'commit' && run.gate === undefined) return 'a commit without a gate'
  if (step.kind === 'commit' && write.kind === 'put') {
    if (!client.green) return 'a commit of what was not probed'
    if (client.aliveAt === undefined) return 'a commit without a look at the gate'
  }
  if ((step.kind === 'renew' || step.kind === 'pulse') && !client.green && step.kind === 'renew') return 'a deadline renewed without a green probe'
  return undefined
}

/** Steps of an undo that open; where one failed, taking away is all that is left to open with. */
const opening = ['open everything', 'see it open']

/** What must hold at every moment, however it came about. */
export const brokenIn = ({ cluster, client }: World, scenario: Scenario): string | undefined => {
  if (cluster.failsAt !== undefined && cluster.failsAt > cluster.now + ticksOfWindow) return 'the deadline lies further than a window ahead'
  const cut = scenario.cut(cluster)
  if (cut.length > 0) return `lifelines are cut: ${cut.join(', ')}`
  if (hasSetWithoutDeadline(cluster)) return 'a gate without a deadline'
  for (const ghosts of [[], ...(client?.ghosts ?? []).map((ghost) => [ghost])]) {
    const left = abandoned(ghosts.reduce<Cluster>(landed, cluster))
    if (scenario.closed(left).length > 0 && !scenario.kept(left)) return `abandoned now, it stays closed: ${scenario.closed(left).join(', ')}`
  }
  const outcome = client?.run.outcome
  if (outcome?.kind === 'done' && !scenario.config.isRollback && scenario.closed(cluster).length > 0 && !scenario.kept(cluster))
    return 'done, and closed without being kept'
  if (outcome?.kind === 'rolled-back') {
    const before = scenario.kept(scenario.start) ? scenario.closed(scenario.start) : []
    const shut = scenario.closed(cluster).filter((one) => !before.includes(one))
    if (shut.length > 0) return `taken back, and still closed: ${shut.join(', ')}`
  }
  return undefined
}

const hasSetWithoutDeadline = ({ objects, failsAt }: Cluster): boolean =>
  failsAt === undefined && [...objects].some((key) => key.startsWith('NetworkSet gate-'))
