import type { KubeObject } from '../../src/calico/object.ts'
import { gateJob, gateSet } from '../../src/firewall/objects/gate.ts'
import type { LabObject, LabRef } from './cluster/api.ts'
import { asWritten } from './firewall.ts'
import type { Lab } from './lab.ts'
import { until } from './machine/run.ts'

/** An armed gate: its two objects' places, and when it was armed (milliseconds since the epoch). */
export interface LabGate {
  readonly set: LabRef
  readonly job: LabRef
  readonly armed: number
}

/** How a gate is made otherwise than the product makes it. */
export interface GateOptions {
  /** Calico's group for the set, other than the product's choice. */
  readonly setApiVersion?: string
  readonly job?: (job: KubeObject) => KubeObject
}

interface JobStatus {
  readonly status?: { readonly startTime?: string }
}

/** Arms a change's gate as the product does: the Job, its start awaited, then the set it owns. */
export const arm = async (
  lab: Lab,
  change: number,
  seconds: number,
  { setApiVersion, job: changed = (job) => job }: GateOptions = {},
): Promise<LabGate> => {
  const armed = Date.now()
  const wanted = changed(gateJob(change, seconds)) as LabObject
  const created = await lab.api.create(wanted)
  const job: LabRef = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'calico-fw', name: wanted.metadata.name }
  const suspended = (wanted['spec'] as { suspend?: boolean }).suspend === true
  if (!suspended) await until('the Job to start', async () => (((await lab.api.get(job)) ?? {}) as JobStatus).status?.startTime, 10_000, 20)
  const set = gateSet(change, lab.variant.flavour)
  const written = asWritten(lab, setApiVersion === undefined ? set : { ...set, apiVersion: setApiVersion })
  const owner = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: wanted.metadata.name,
    uid: created.metadata['uid'],
    controller: true,
    blockOwnerDeletion: false,
  }
  await lab.api.create({ ...written, metadata: { ...written.metadata, ownerReferences: [owner] } })
  return { armed, job, set: { apiVersion: written.apiVersion, kind: 'NetworkSet', namespace: 'calico-fw', name: written.metadata.name } }
}

/** Waits until nothing of a gate is left. */
export const gone = async (lab: Lab, gate: LabGate): Promise<void> => {
  await until(
    `${gate.set.name} to be gone`,
    async () => (await lab.api.get(gate.set)) === undefined && (await lab.api.get(gate.job)) === undefined,
    40_000,
  )
}
