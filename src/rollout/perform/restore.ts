import { isOurs, keys } from '../../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../../calico/object.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import { sameSpec } from '../../firewall/objects/same-spec.ts'
import { greenOf, judge } from '../../firewall/probes/judge.ts'
import { applicable, type BeforeImage, imageKey } from '../checkpoint.ts'
import type { Step } from '../steps.ts'
import { capture } from './checkpoint.ts'
import type { PerformContext } from './context.ts'
import { failsafesRestored, restoreFailsafes } from './failsafes.ts'
import { inParallel } from './parallel.ts'
import { outdate } from './sent.ts'
import { stillClosed } from './still-closed.ts'

/** Puts each object back to its before-image; one that is there already is left alone, so that doing it twice changes nothing. */
export const restore = async (context: PerformContext, images: readonly BeforeImage[]): Promise<void> => {
  await context.settled()
  await inParallel(context.ports.clock, images, async (image) => {
    if (image.ref.kind === 'FelixConfiguration') return restoreFailsafes(context, image)
    const { api } = context.ports
    const now = await api.get(image.ref)
    if (isAsBefore(now, image)) return now === undefined || image.before === null ? undefined : outdate(context, image.ref)
    await context.lock.guard()
    if (image.before === null) {
      if (now !== undefined && !isOurs(now)) return
      context.memory.seen.set(imageKey(image.ref), null)
      await api
        .delete(image.ref, {
          ...(now?.metadata.uid === undefined ? {} : { uid: now.metadata.uid }),
          ...(image.ref.kind === 'Job' ? { propagation: 'Background' as const } : {}),
        })
        .catch(async (error: unknown) => {
          // A webhook that refuses DELETE keeps a gate's set; without its label no rule matches it. What is told is why it is still there.
          if (now?.metadata.labels?.[keys.gate] !== undefined)
            await api.mergePatch(image.ref, { metadata: { labels: { [keys.gate]: null } } }).catch(() => undefined)
          throw error
        })
    } else {
      context.memory.seen.set(imageKey(image.ref), await api.apply(applicable(image.before)))
    }
  })
}

/**
 * Objects equal their before-images, and probes equal the baseline.
 * @throws FwError FW_ROLLBACK_INCOMPLETE naming the first that differs
 */
export const verify = async (context: PerformContext, { images, reopened }: Extract<Step, { kind: 'verify' }>): Promise<void> => {
  const { api, clock } = context.ports
  const until = clock.now() + 15_000
  for (;;) {
    const differing: string[] = []
    await inParallel(clock, images, async (image) => {
      if (!isAsBefore(await api.get(image.ref), image)) differing.push(formatRef(image.ref))
    })
    const probes = context.subject.probes.filter((one) => one.expect === 'open' && one.target.kind !== 'node-lease')
    const results = await context.ports.prober.run(probes, { since: context.memory.since, timeoutMs: 2_000 })
    const judgement = judge({ probes, baseline: context.memory.baseline, results, closedNodes: [] })
    context.ports.report({ kind: 'probes', judgement, of: probes.length })
    if (differing.length === 0 && judgement.green) {
      context.memory.green = greenOf(judgement, probes.length)
      const closed = reopened === true ? await stillClosed(context) : undefined
      if (closed === undefined) return
      if (clock.now() > until) throw closed
    } else if (clock.now() > until) {
      throw new FwError(
        'FW_ROLLBACK_INCOMPLETE',
        differing[0] === undefined ? (judgement.red[0]?.sentence ?? 'a probe is red') : `${differing[0]} is not as it was`,
        {
          why: differing.length > 1 ? `and ${differing.length - 1} more objects` : 'it was read again after the restore',
        },
      )
    }
    await clock.sleep(300)
  }
}

/** Those of the images that are not what the cluster has now. */
export const differingImages = async (api: Api, images: readonly BeforeImage[]): Promise<BeforeImage[]> => {
  const now = await capture(
    api,
    images.map(({ ref }) => ref),
  )
  return images.filter((image, at) => !isAsBefore(now[at]?.before ?? undefined, image))
}

const isAsBefore = (now: KubeObject | undefined, image: BeforeImage): boolean => {
  if (image.ref.kind === 'FelixConfiguration') return failsafesRestored(now, image)
  if (image.before === null) return now === undefined || (!isOurs(now) && refOf(now).name === image.ref.name)
  return now !== undefined && sameSpec(now, image.before)
}
