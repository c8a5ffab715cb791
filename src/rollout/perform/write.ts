import { isOurs, keys, names, ownLabels } from '../../calico/names.ts'
import { formatRef, type KubeObject, type ObjectRef, refOf } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import { sameSpec } from '../../firewall/objects/same-spec.ts'
import { imageKey } from '../checkpoint.ts'
import type { PerformContext } from './context.ts'
import { openMark } from './open.ts'
import { inParallel } from './parallel.ts'
import { asSeen, sent } from './sent.ts'

/** Called last of all before a write, with nothing waited for in between: throws when it comes too late. */
type InTime = () => void
const always: InTime = () => undefined

/**
 * Server-side apply of our objects. Each is what its checkpoint saw, or the run stops; one that is already as wanted is not written;
 * what the server stored is compared with what was asked, for admission may change it.
 * @throws FwError FW_CHANGED, FW_LOCK_LOST, or what the API answers
 */
export const writeObjects = async (context: PerformContext, objects: readonly KubeObject[], inTime: InTime = always): Promise<void> => {
  const { api, clock } = context.ports
  await inParallel(clock, objects, async (wanted) => {
    const key = imageKey(refOf(wanted))
    const before = context.memory.seen.get(key)
    if (before === undefined) throw new Error(`${formatRef(refOf(wanted))} was not in a checkpoint`)
    if (before !== null && sameSpec(before, wanted)) return
    if (before !== null && !isOurs(before)) throw foreign(before)
    await context.lock.guard()
    context.signal.throwIfAborted()
    inTime()
    const stored = await sent(context, refOf(wanted), () => api.apply(guarded(wanted, before))).catch((error: unknown) => {
      throw error instanceof FwError && error.code === 'FW_CONFLICT' ? changed(wanted, error) : error
    })
    context.memory.seen.set(key, stored)
    if (!sameSpec(stored, wanted)) {
      throw new FwError('FW_CHANGED', `${formatRef(refOf(wanted))} is not stored as written`, {
        why: 'a webhook or an admission policy changed it on the way in',
        fix: `compare: kubectl get ${wanted.kind.toLowerCase()} ${wanted.metadata.name} -o yaml`,
      })
    }
  })
}

/**
 * Deletes our objects; one that is gone already is fine, one that is somebody else's is left alone and told. Each is deleted as it was seen: a request the network
 * held back finds another version where somebody has opened again meanwhile, or this run has undone itself, and misses. Jobs are not, for their status never rests.
 */
export const removeObjects = async (context: PerformContext, refs: readonly ObjectRef[], inTime: InTime = always): Promise<void> => {
  const { api, clock } = context.ports
  await inParallel(clock, refs, async (ref) => {
    const now = await api.get(ref)
    context.memory.seen.set(imageKey(ref), null)
    if (now === undefined) return
    if (!isOurs(now)) throw foreign(now)
    if (isOpenSet(ref) && (context.memory.openedByOther === true || openMark(now) !== context.memory.openMark))
      throw changed(now, new FwError('FW_CONFLICT', 'somebody else opened everything meanwhile: it stays open'))
    await context.lock.guard()
    context.signal.throwIfAborted()
    inTime()
    const { uid, ...version } = asSeen(now)
    const more = ref.kind === 'Job' ? { propagation: 'Background' as const } : version
    await sent(context, ref, () => api.delete(ref, { ...(uid === undefined ? {} : { uid }), ...more }))
  })
}

/**
 * Deletes objects of somebody else's that this run has taken over, each only as its checkpoint saw it; one that is gone already is fine.
 * @throws FwError FW_CHANGED, FW_LOCK_LOST, or what the API answers
 */
export const removeAdopted = async (context: PerformContext, refs: readonly ObjectRef[]): Promise<void> => {
  const { api, clock } = context.ports
  await inParallel(clock, refs, async (ref) => {
    const now = await api.get(ref)
    const before = context.memory.seen.get(imageKey(ref))
    if (before === undefined) throw new Error(`${formatRef(ref)} was not in a checkpoint`)
    if (now !== undefined && (before === null || !sameSpec(now, before)))
      throw changed(now, new FwError('FW_CONFLICT', `${formatRef(ref)} is not as it was before the commit`))
    context.memory.seen.set(imageKey(ref), null)
    if (now === undefined) return
    await context.lock.guard()
    await sent(context, ref, () => api.delete(ref, asSeen(now)))
  })
}

const isOpenSet = ({ kind, name }: ObjectRef): boolean => kind === 'GlobalNetworkSet' && name === names.openSet

/** The version the checkpoint saw, so that a write in between is a conflict and not an overwrite. */
const guarded = (wanted: KubeObject, before: KubeObject | null): KubeObject =>
  before?.metadata.resourceVersion === undefined
    ? wanted
    : { ...wanted, metadata: { ...wanted.metadata, resourceVersion: before.metadata.resourceVersion } }

const foreign = (object: KubeObject): FwError =>
  new FwError('FW_FOREIGN', `${formatRef(refOf(object))} exists and is not this tool's`, {
    why: `it lacks the label ${keys.managedBy}=${ownLabels()[keys.managedBy]}; it is left as it is`,
    fix: 'rename or delete it, then run the command again',
  })

const changed = (wanted: KubeObject, cause: FwError): FwError =>
  new FwError('FW_CHANGED', `${formatRef(refOf(wanted))} changed under this run`, {
    why: cause.why ?? cause.message,
    fix: 'see who: kubectl get -o yaml --show-managed-fields',
    cause,
  })
