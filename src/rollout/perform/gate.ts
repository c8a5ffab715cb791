import { isDeepStrictEqual } from 'node:util'
import { toolNamespace } from '../../calico/names.ts'
import type { KubeObject, OwnerReference } from '../../calico/object.ts'
import { refOf } from '../../calico/object.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { type ArmedGate, deadlineOf } from '../state.ts'
import type { GateObjects } from '../steps.ts'

interface JobView {
  readonly spec?: {
    readonly activeDeadlineSeconds?: number
    readonly suspend?: boolean
    readonly ttlSecondsAfterFinished?: number
    readonly parallelism?: number
  }
  readonly status?: {
    readonly startTime?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
  }
}

const viewOf = (job: KubeObject): JobView => job as JobView & KubeObject

/** How long kube-controller-manager may take to start the Job's deadline, in milliseconds. */
const startWithinMs = 5_000

/**
 * Creates the gate's Job, waits until the Job controller has started its deadline, then creates the set it owns, and reads both back:
 * a queueing controller may have suspended the Job (it would never expire), a webhook may have changed what it owns.
 * @throws FwError FW_GATE
 */
export const armGate = async (api: Api, clock: Clock, objects: GateObjects, seconds: number, signal?: AbortSignal): Promise<ArmedGate> => {
  const armedAt = clock.now()
  const created = await api.create({ ...objects.job, spec: { ...(objects.job['spec'] as object), activeDeadlineSeconds: seconds } })
  const job = await started(api, clock, created, signal)
  checkJob(job, seconds)
  const owner: OwnerReference = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: job.metadata.name,
    uid: uidOf(job),
    controller: true,
    blockOwnerDeletion: false,
  }
  const wanted: KubeObject = { ...objects.set, metadata: { ...objects.set.metadata, ownerReferences: [owner] } }
  const set = await api.create(wanted)
  checkSet(set, wanted)
  if (!isDeepStrictEqual(set.metadata.ownerReferences, [owner])) throw changedOnTheWay()
  return { objects, jobUid: uidOf(job), setUid: uidOf(set), armedAt, seconds }
}

/**
 * Moves the deadline to `windowSeconds` from now, counted on our own monotonic clock from the moment of arming, so that clocks that differ cannot stretch it.
 * @throws FwError FW_GATE when the answer says the Job has ended, is suspended, or has another deadline: a patch on a finished Job is answered 200
 */
export const renewGate = async (api: Api, clock: Clock, gate: ArmedGate, windowSeconds: number): Promise<ArmedGate> => {
  const seconds = Math.max(gate.seconds, Math.ceil((clock.now() - gate.armedAt) / 1000) + windowSeconds)
  const job = await api.mergePatch(refOf(gate.objects.job), { metadata: { uid: gate.jobUid }, spec: { activeDeadlineSeconds: seconds } })
  if (job.metadata.uid !== gate.jobUid) throw gateError('its Job was replaced by another of the same name')
  checkJob(job, seconds)
  await checkAlive(api, { ...gate, seconds })
  return { ...gate, seconds }
}

/**
 * The set is there by uid and still owned by a Job that runs. Without this, a confirm after the expiry sees everything green because everything is open.
 * @throws FwError FW_GATE
 */
export const checkAlive = async (api: Api, gate: ArmedGate): Promise<void> => {
  const [job, set] = await Promise.all([api.get(refOf(gate.objects.job)), api.get(refOf(gate.objects.set))])
  if (set === undefined || set.metadata.uid !== gate.setUid || set.metadata.deletionTimestamp !== undefined)
    throw gateError('its set is gone: the cluster has opened by itself')
  if (job === undefined || job.metadata.uid !== gate.jobUid) throw gateError('its Job is gone')
  checkJob(job, gate.seconds)
  checkSet(set, gate.objects.set)
  const owners = set.metadata.ownerReferences ?? []
  if (owners.length !== 1 || owners[0]?.uid !== gate.jobUid)
    throw gateError('its set no longer belongs to its Job alone and would never be collected')
}

/**
 * The last look before what keeps a trial is written: a laptop that slept since it asked the cluster wakes up here.
 * @throws FwError FW_GATE when the deadline has passed by our clock
 */
export const checkDeadline = (clock: Clock, gate: ArmedGate): void => {
  if (clock.now() >= deadlineOf(gate)) throw gateError('its deadline has passed: the cluster has opened by itself')
}

/**
 * Takes over a gate another client armed. When the Job began is told by the cluster's clock, and what that says now by the creation time of a ConfigMap that is never
 * created; both are cut to seconds, so that the deadline taken from them is up to two seconds early and never late.
 * @throws FwError FW_GATE when it has expired or was tampered with
 */
export const findGate = async (api: Api, clock: Clock, objects: GateObjects): Promise<ArmedGate> => {
  const [job, set] = await Promise.all([api.get(refOf(objects.job)), api.get(refOf(objects.set))])
  if (job === undefined || set === undefined) throw gateError('it is gone: the cluster has opened by itself')
  const { spec, status } = viewOf(job)
  const asked = clock.now()
  const began = Date.parse(status?.startTime ?? '')
  const elapsed = (await clusterTime(api)) - began + 1_000
  if (!Number.isFinite(elapsed)) throw gateError('when its deadline began cannot be told')
  const gate: ArmedGate = { objects, jobUid: uidOf(job), setUid: uidOf(set), armedAt: asked - elapsed, seconds: spec?.activeDeadlineSeconds ?? 0 }
  await checkAlive(api, gate)
  return gate
}

/** The time by the API server's clock, in milliseconds since the epoch, cut to seconds. */
const clusterTime = async (api: Api): Promise<number> => {
  const asked: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'what-time-is-it', namespace: toolNamespace } }
  const { metadata } = await api.create(asked, { dryRun: true })
  return Date.parse(metadata.creationTimestamp ?? '')
}

/** Deletes the set and its Job; what they held closed opens unless a deny keeps it. */
export const disarmGate = async (api: Api, objects: GateObjects): Promise<void> => {
  await api.delete(refOf(objects.set))
  await api.delete(refOf(objects.job), { propagation: 'Background' })
}

const started = async (api: Api, clock: Clock, job: KubeObject, signal?: AbortSignal): Promise<KubeObject> => {
  const until = clock.now() + startWithinMs
  let latest = job
  while (viewOf(latest).status?.startTime === undefined) {
    if (clock.now() > until) {
      await api.delete(refOf(job), { propagation: 'Background' })
      throw gateError(
        'its Job was not started within 5 s',
        'kube-controller-manager must run and keep Job deadlines; see: kubectl get jobs -n calico-fw',
      )
    }
    await clock.sleep(100, signal)
    const read = await api.get(refOf(job))
    if (read === undefined || read.metadata.uid !== job.metadata.uid) throw gateError('its Job vanished while it was armed')
    latest = read
  }
  return latest
}

const checkJob = (job: KubeObject, seconds: number): void => {
  const { spec, status } = viewOf(job)
  if (
    status?.conditions?.some(({ type, status: is }) => (type === 'Failed' || type === 'FailureTarget' || type === 'Complete') && is === 'True') ===
    true
  )
    throw gateError('its Job has ended: the deadline has passed')
  if (job.metadata.deletionTimestamp !== undefined) throw gateError('its Job is being deleted')
  if (spec?.suspend === true)
    throw gateError('its Job is suspended and would never expire', 'a queueing controller (Kueue, Volcano ...) took it: exempt namespace calico-fw')
  if (spec?.activeDeadlineSeconds !== seconds)
    throw gateError(`its Job has the deadline ${spec?.activeDeadlineSeconds ?? 'none'} instead of ${seconds} s`)
  if (spec?.ttlSecondsAfterFinished !== 0) throw gateError('its Job would outlive its deadline: ttlSecondsAfterFinished is not 0')
  if ((job.metadata.finalizers ?? []).length > 0) {
    throw gateError(
      `its Job has the finalizer ${job.metadata.finalizers?.[0]}: it would outlive its deadline`,
      'exempt namespace calico-fw from the webhook that adds it',
    )
  }
  if (status?.startTime === undefined) throw gateError('its Job has no start time: its deadline does not run')
}

const checkSet = (set: KubeObject, wanted: KubeObject): void => {
  if ((set.metadata.finalizers ?? []).length > 0) {
    throw gateError(
      `its set has the finalizer ${set.metadata.finalizers?.[0]}: it would not be collected`,
      'exempt namespace calico-fw from the webhook that adds it',
    )
  }
  // There may be more labels: Calico adds its own.
  if (Object.entries(wanted.metadata.labels ?? {}).some(([key, value]) => set.metadata.labels?.[key] !== value)) throw changedOnTheWay()
}

const changedOnTheWay = (): FwError => gateError('its set was changed on the way in', 'look for a mutating webhook on NetworkSets')

const uidOf = (object: KubeObject): string => object.metadata.uid ?? ''

const gateError = (why: string, fix = 'see: kubectl get jobs,networksets -n calico-fw'): FwError =>
  new FwError('FW_GATE', 'the gate cannot be trusted', { why, fix })
