import type { KubeObject } from '../../calico/object.ts'
import { collectionOf } from '../api/collection.ts'
import { type ControlPlane, kindOf, timestamp } from '../api/control-plane.ts'
import { deleteObject } from '../api/delete.ts'
import { writeObject } from '../api/write.ts'
import { at, type Fields, fieldsOf, listOf, numberAt, textAt } from '../json.ts'
import { type Controller, forEachObject } from './controller.ts'

const jobsUser = 'system:serviceaccount:kube-system:job-controller'
const ttlUser = 'system:serviceaccount:kube-system:ttl-after-finished-controller'

const conditionOf = (job: KubeObject, ...types: string[]): unknown =>
  listOf(at(job, 'status', 'conditions')).find((one) => types.includes(textAt(one, 'type') ?? '') && at(one, 'status') === 'True')

const condition = (plane: ControlPlane, type: string, reason: string, message: string): Fields => {
  const time = timestamp(plane.clock)
  return { type, status: 'True', lastProbeTime: time, lastTransitionTime: time, reason, message }
}

const writeStatus = (plane: ControlPlane, job: KubeObject, status: Fields): void => {
  const kind = kindOf(plane, 'batch/v1', 'Job')
  writeObject(plane, kind, { ...job, status }, job, { user: jobsUser, manager: 'kube-controller-manager', subresource: 'status' })
}

/**
 * One look at a Job. It starts when it is first seen and not suspended; suspending stops its clock and unsuspending starts a new one; past
 * `activeDeadlineSeconds` it fails. startTime has whole seconds, so a deadline ends up to a second early (pkg/controller/job `syncJob`).
 */
const syncJob = (plane: ControlPlane, job: KubeObject): number | undefined => {
  const status = fieldsOf(job['status'])
  const startTime = textAt(status, 'startTime')
  if (conditionOf(job, 'Complete', 'Failed') !== undefined || job.metadata.deletionTimestamp !== undefined) return undefined
  const others = listOf(status['conditions']).filter((one) => textAt(one, 'type') !== 'Suspended')
  if (at(job, 'spec', 'suspend') === true) {
    if (conditionOf(job, 'Suspended') !== undefined) return undefined
    const { startTime: _stopped, ...rest } = status
    writeStatus(plane, job, { ...rest, conditions: [...others, condition(plane, 'Suspended', 'JobSuspended', 'Job suspended')] })
    return undefined
  }
  const seconds = numberAt(job, 'spec', 'activeDeadlineSeconds')
  if (startTime === undefined) {
    writeStatus(plane, job, {
      ...status,
      conditions: others,
      active: 0,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
      startTime: timestamp(plane.clock),
    })
    return seconds === undefined ? undefined : 0
  }
  if (seconds === undefined) return undefined
  const left = Date.parse(startTime) + seconds * 1000 - plane.clock.wall().getTime()
  if (left > 0) return left
  const failed = ['FailureTarget', 'Failed'].map((type) =>
    condition(plane, type, 'DeadlineExceeded', 'Job was active longer than specified deadline'),
  )
  writeStatus(plane, job, { ...status, conditions: [...others, ...failed] })
  return undefined
}

const jobsOf = (plane: ControlPlane): KubeObject[] => collectionOf(plane.store, kindOf(plane, 'batch/v1', 'Job')).list()

/** Starts Jobs and fails those past their deadline. It makes no pods: the Jobs of this tool have parallelism 0. */
export const jobController: Controller = {
  name: 'jobs',
  interested: ({ resource }) => resource === 'jobs.batch',
  reconcile: (plane) => forEachObject(jobsOf(plane), (job) => syncJob(plane, job)),
}

/** Deletes finished Jobs `ttlSecondsAfterFinished` after their end, in the foreground and by uid (pkg/controller/ttlafterfinished). */
export const ttlController: Controller = {
  name: 'ttl-after-finished',
  interested: ({ resource }) => resource === 'jobs.batch',
  reconcile: (plane) =>
    forEachObject(jobsOf(plane), (job) => {
      const ttl = numberAt(job, 'spec', 'ttlSecondsAfterFinished')
      const end = textAt(conditionOf(job, 'Complete', 'Failed'), 'lastTransitionTime')
      const { namespace, name, uid, deletionTimestamp } = job.metadata
      if (ttl === undefined || end === undefined || deletionTimestamp !== undefined) return undefined
      const left = Date.parse(end) + ttl * 1000 - plane.clock.wall().getTime()
      if (left > 0) return left
      const options = { user: ttlUser, propagation: 'Foreground', ...(uid === undefined ? {} : { uid }) } as const
      deleteObject(plane, kindOf(plane, 'batch/v1', 'Job'), namespace, name, options)
      return undefined
    }),
}
