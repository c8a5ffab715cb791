import { keys, names } from '../../calico/names.ts'
import { formatRef, type KubeObject, type ObjectRef, refOf } from '../../calico/object.ts'
import { resourceOf, v3 } from '../../calico/resources.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import { judge } from '../../firewall/probes/judge.ts'
import type { Clock } from '../clock.ts'
import type { GateObjects, Step } from '../steps.ts'
import type { PerformContext } from './context.ts'
import { restoreFailsafes } from './failsafes.ts'
import { asSeen } from './sent.ts'

/** Patience with one opening write before the next way is tried, in milliseconds. */
const callMs = 3_000
/** Not seen open after this, our HostEndpoints go at once: Felix programs a set within 1.6 s. */
const seenWithinMs = 1_600
/** Opening waits no longer than this to learn whether somebody else has opened already, in milliseconds. */
const lookFirstMs = 300
/** Patience of one look whether it is open. */
const lookMs = 700

/** One way to open, and what to call it. */
interface Way {
  readonly name: string
  readonly open: () => Promise<unknown>
}

/**
 * Opens everything by the first way that works: the open set, which no webhook or aggregated API can hold up; deleting the gate's set;
 * taking its label off, where a webhook refuses DELETE; deleting every HostEndpoint of ours. Goes round until one has worked or `untilMs` on the clock has passed.
 * Returns the name of the way.
 * @throws FwError FW_ROLLBACK_INCOMPLETE with what each way met
 */
export const openEverything = async (
  api: Api,
  clock: Clock,
  options: { openSet: KubeObject; gate: GateObjects | undefined; untilMs: number; note: (text: string) => void; mark?: string },
): Promise<string> => {
  const { openSet, gate, untilMs, note, mark = clock.wall().toISOString() } = options
  const bySet: Way = { name: `created ${formatRef(refOf(openSet))}`, open: () => api.apply(marked(openSet, mark), { timeoutMs: callMs }) }
  // Twice: the first may have met a connection that died unnoticed, and the second then goes over a new one. The other ways leave more to put back.
  const ways: Way[] = [
    bySet,
    bySet,
    ...(gate === undefined ? [] : gateWays(api, gate)),
    { name: 'deleted every HostEndpoint of ours', open: () => removeHostEndpoints(api) },
  ]
  let told: string | undefined
  for (;;) {
    const failures: string[] = []
    for (const way of ways) {
      try {
        await way.open()
        if (await hasBase(api)) return way.name
        // The open set opens by a rule of the base policy; without that only the HostEndpoints' going does.
        await removeHostEndpoints(api)
        return `${way.name}; deleted every HostEndpoint of ours, for ${names.basePolicy} is gone`
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error))
      }
    }
    if (clock.now() >= untilMs) {
      throw new FwError('FW_ROLLBACK_INCOMPLETE', 'the cluster could not be opened from here', {
        why: [...new Set(failures)].join('; '),
        fix: "try again: kubectl calico-fw open; to open a node without the API: kubectl calico-fw rescue --execute 'ssh root@NODE'",
      })
    }
    if (failures[0] !== told) note(`cannot open from here yet: ${failures[0] ?? 'no answer'}; trying again`)
    told = failures[0]
    await clock.sleep(1_000)
  }
}

/** Written again it is another version, so that a DELETE on its way to the one before misses, and whoever wrote the one before sees that. */
const marked = (openSet: KubeObject, mark: string): KubeObject => ({
  ...openSet,
  metadata: { ...openSet.metadata, annotations: { ...openSet.metadata.annotations, [keys.opened]: mark } },
})

/** Who opened last, as the open set says; undefined where there is none. */
export const openMark = (openSet: KubeObject | undefined): string | undefined =>
  openSet === undefined ? undefined : (openSet.metadata.annotations?.[keys.opened] ?? '')

const gateWays = (api: Api, gate: GateObjects): Way[] => [
  { name: `deleted ${formatRef(refOf(gate.set))}`, open: () => api.delete(refOf(gate.set), { timeoutMs: callMs }) },
  {
    name: `took the gate's label off ${formatRef(refOf(gate.set))}`,
    open: () => api.mergePatch(refOf(gate.set), { metadata: { labels: { [keys.gate]: null } } }, { timeoutMs: callMs }),
  },
]

/** Whether the policy is there that the open set opens by; it counts as there while nobody can tell. */
const hasBase = (api: Api): Promise<boolean> =>
  api.get({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: names.basePolicy }, { timeoutMs: callMs }).then(
    (policy) => policy !== undefined,
    () => true,
  )

/** One request for any number of them: all of ours, or those of one run. */
const removeHostEndpoints = (api: Api, run?: number): Promise<void> =>
  api.deleteCollection(resourceOf(v3, 'HostEndpoint'), { labelSelector: run === undefined ? keys.run : `${keys.run}=${run}`, timeoutMs: 10_000 })

/**
 * The open step of an undo: it keeps trying for as long as the cluster may still be closed, and opening it writes even under a lock that is in doubt.
 * What somebody else closes no set of ours opens: where such a policy governs our HostEndpoints they go at once.
 */
export const open = async (context: PerformContext, step: Extract<Step, { kind: 'open' }>): Promise<void> => {
  const { api, clock, report } = context.ports
  const note = (text: string) => report({ kind: 'note', text })
  if (step.givesWay !== undefined) {
    try {
      for (const run of step.givesWay) await removeHostEndpoints(api, run)
      return note('deleted our HostEndpoints: those they stood before are in force again')
    } catch (error) {
      note(`our HostEndpoints cannot be deleted: ${error instanceof Error ? error.message : error}; opening everything`)
    }
  }
  const untilMs = clock.now() + context.config.windowSeconds * 1000 + 60_000
  const { memory } = context
  const found = openMark((await Promise.race([api.get(refOf(step.openSet)).catch(() => undefined), clock.sleep(lookFirstMs)])) ?? undefined)
  memory.openedByOther = found !== undefined && found !== memory.openMark
  memory.openMark = `${clock.wall().toISOString()} ${context.ports.holder}`
  note(await openEverything(api, clock, { openSet: step.openSet, gate: step.gate, untilMs, note, mark: memory.openMark }))
  const present = (await api.list(resourceOf(v3, 'HostEndpoint'), { labelSelector: keys.run, timeoutMs: callMs }).catch(() => undefined)) ?? []
  const dangers = present.length === 0 ? [] : await context.ports.dangers(present).catch(() => [])
  const danger = dangers.find(({ own }) => own !== true)
  if (danger !== undefined) await forceOpen(context, `${danger.object} closes them too`)
}

/**
 * Waits until probes are as before the run. Not seen open within 1.6 s, our HostEndpoints go, and a failsafe edit of ours that may have stopped Felix is taken back.
 * @throws FwError FW_ROLLBACK_INCOMPLETE
 */
export const seeOpen = async (context: PerformContext): Promise<void> => {
  const { clock, prober } = context.ports
  const probes = context.subject.probes.filter(
    ({ expect, target }) =>
      expect === 'open' && (target.kind === 'tcp' || target.kind === 'api' || target.kind === 'kubeconfig' || target.kind === 'kubelet'),
  )
  const begun = clock.now()
  for (let forced = false; ; ) {
    const results = await prober.run(probes, { since: context.memory.since, timeoutMs: lookMs })
    const { green, red } = judge({ probes, baseline: context.memory.baseline, results, closedNodes: [] })
    if (green) return
    const waited = clock.now() - begun
    if (!forced && waited > seenWithinMs) {
      forced = true
      await forceOpen(context, `not seen open: ${red[0]?.sentence ?? ''}`)
      for (const image of context.images().filter(({ ref }) => ref.kind === 'FelixConfiguration')) await restoreFailsafes(context, image)
    }
    if (waited > 60_000) {
      throw new FwError('FW_ROLLBACK_INCOMPLETE', red[0]?.sentence ?? 'not seen open', {
        why: 'a minute after opening it is still so',
        fix: 'kubectl calico-fw open',
      })
    }
    await clock.sleep(100)
  }
}

/** Deletes every HostEndpoint of ours; that it could not is told, and later steps try again one by one. */
const forceOpen = async ({ ports: { api, report } }: PerformContext, why: string): Promise<void> => {
  report({ kind: 'note', text: `deleting every HostEndpoint of ours: ${why}` })
  await removeHostEndpoints(api).catch((error: unknown) =>
    report({ kind: 'note', text: `that failed: ${error instanceof Error ? error.message : error}` }),
  )
}

/**
 * Deletes the open set this run wrote: from here on only what policies allow is open. One that somebody else wrote meanwhile stays, for whoever opens by hand
 * while a run turns round means it.
 */
export const dropOpenSet = async ({ ports: { api, report }, memory, lock }: PerformContext, ref: ObjectRef): Promise<void> => {
  await lock.guard()
  const found = await api.get(ref)
  if (found === undefined) return
  if (memory.openedByOther === true || openMark(found) !== memory.openMark) {
    report({
      kind: 'note',
      text: `${formatRef(ref)} stays: somebody else opened everything meanwhile. To close again, on trial: kubectl calico-fw sync`,
    })
    return
  }
  await api.delete(ref, asSeen(found))
}
