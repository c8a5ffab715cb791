import { isDeepStrictEqual } from 'node:util'
import { fieldManager, ownLabels } from '../../calico/names.ts'
import { type KubeObject, refOf } from '../../calico/object.ts'
import type { FailsafePort } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import type { FailsafeChange } from '../../firewall/plan/plan.ts'
import { type BeforeImage, imageKey } from '../checkpoint.ts'
import type { PerformContext } from './context.ts'
import { outdate, sent } from './sent.ts'

const inboundField = 'failsafeInboundHostPorts'
const outboundField = 'failsafeOutboundHostPorts'

/** The lists a change writes, as FelixConfiguration spells them. */
export const listsOf = ({ after }: FailsafeChange): Record<string, readonly FailsafePort[]> => ({
  [inboundField]: after.inbound,
  [outboundField]: after.outbound,
})

/**
 * The one write to FelixConfiguration: a JSON merge patch guarded by resourceVersion. Server-side apply would need force over a user's own list,
 * and giving it back would leave us its owner.
 * @throws FwError FW_CHANGED when the lists are no longer what the plan read
 */
export const writeFailsafes = async (context: PerformContext, change: FailsafeChange): Promise<void> => {
  const { api } = context.ports
  const before = context.memory.seen.get(imageKey(change.ref))
  if (before === undefined) throw new Error(`${change.ref.name} was not in a checkpoint`)
  const lists = listsOf(change)
  const now = { inbound: listOf(before, inboundField), outbound: listOf(before, outboundField) }
  if ((before === null) === change.exists || !isDeepStrictEqual(now, { inbound: change.before.inbound, outbound: change.before.outbound })) {
    throw new FwError('FW_CHANGED', `FelixConfiguration ${change.ref.name} changed since the plan was made`, {
      why: 'its failsafe lists are not what the plan read',
      fix: 'run the command again: it reads them afresh',
    })
  }
  await context.lock.guard()
  const stored =
    before === null
      ? await api.create({
          apiVersion: change.ref.apiVersion,
          kind: change.ref.kind,
          metadata: { name: change.ref.name, ...labelsOf(change) },
          spec: lists,
        })
      : await sent(context, change.ref, () =>
          api.mergePatch(change.ref, { metadata: { resourceVersion: before.metadata.resourceVersion }, spec: lists }),
        )
  context.memory.seen.set(imageKey(change.ref), stored)
}

/** One node's own FelixConfiguration is ours, and goes again; `default` is everybody's. */
const labelsOf = ({ ref }: FailsafeChange): { labels?: Record<string, string> } => (ref.name.startsWith('node.') ? { labels: ownLabels() } : {})

/**
 * Writes back exactly what was there, or null where nothing was. Lists somebody else has edited since are theirs now: left alone and told.
 * @throws FwError FW_CHANGED
 */
export const restoreFailsafes = async (context: PerformContext, image: BeforeImage): Promise<void> => {
  const { api } = context.ports
  const now = await api.get(image.ref)
  if (failsafesRestored(now, image)) return now === undefined ? undefined : outdate(context, image.ref)
  if (now === undefined) {
    await context.lock.guard()
    const spec = { [inboundField]: listOf(image.before, inboundField), [outboundField]: listOf(image.before, outboundField) }
    const { apiVersion, kind, name } = image.ref
    const created = await api.create({
      apiVersion,
      kind,
      metadata: { name },
      spec: Object.fromEntries(Object.entries(spec).filter(([, list]) => list !== null)),
    })
    context.memory.seen.set(imageKey(image.ref), created)
    return
  }
  const { wrote, wroteBefore = [] } = image
  if (wrote === undefined) return
  const isOurs = [wrote, ...wroteBefore].some((lists) =>
    [inboundField, outboundField].every((field) => isDeepStrictEqual(listOf(now, field), lists[field])),
  )
  if (!isOurs) {
    throw new FwError('FW_CHANGED', `FelixConfiguration ${image.ref.name} was edited after this tool wrote it`, {
      why: 'its failsafe lists are neither what was there before nor what this tool wrote; they are left as they are',
      fix: `kubectl edit felixconfiguration ${image.ref.name}`,
    })
  }
  await context.lock.guard()
  if (image.before === null && nobodyElseWrote(now)) {
    await api.delete(refOf(now), now.metadata.uid === undefined ? {} : { uid: now.metadata.uid })
    context.memory.seen.set(imageKey(image.ref), null)
    return
  }
  const spec = { [inboundField]: listOf(image.before, inboundField), [outboundField]: listOf(image.before, outboundField) }
  context.memory.seen.set(imageKey(image.ref), await api.mergePatch(image.ref, { metadata: { resourceVersion: now.metadata.resourceVersion }, spec }))
}

/** The server's own defaults (nftablesMode in Calico 3.31 and later) stand under the name of whoever created the object. */
const nobodyElseWrote = ({ metadata }: KubeObject): boolean => metadata.managedFields?.every(({ manager }) => manager === fieldManager) === true

/** Whether the failsafe lists are as the before-image has them. */
export const failsafesRestored = (now: KubeObject | undefined, { before }: BeforeImage): boolean =>
  [inboundField, outboundField].every((field) => isDeepStrictEqual(listOf(now ?? null, field), listOf(before, field)))

const listOf = (object: KubeObject | null, field: string): readonly FailsafePort[] | null =>
  (object?.['spec'] as Record<string, readonly FailsafePort[] | undefined> | undefined)?.[field] ?? null
