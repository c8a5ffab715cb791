import { fieldManager, gateName, keys, names, plainlyNamed, toolNamespace } from '../calico/names.ts'
import type { KubeObject, ObjectRef } from '../calico/object.ts'
import { type Resource, resourceOf, v3 } from '../calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint } from '../calico/shapes.ts'
import type { Api } from '../cluster/api.ts'
import type { Flavour } from '../firewall/facts/facts.ts'
import { understood } from '../firewall/facts/understood.ts'
import { firewallKey } from '../firewall/file/firewall-text.ts'
import { committedRuns } from '../firewall/objects/deny-policy.ts'
import { limitedRuns } from '../firewall/objects/egress-policy.ts'
import { switchApiVersion } from '../firewall/objects/gate.ts'
import { type Change, changesOf } from './changes.ts'
import { type BeforeImage, type Checkpoint, parseNumber } from './checkpoint.ts'
import { mend } from './mend.ts'
import { readCheckpoints, type StoredCheckpoints } from './perform/checkpoint-store.ts'
import { isAllow } from './rollback-steps.ts'
import type { GateObjects } from './steps.ts'
import { straysAmong } from './strays.ts'

/** A gate found in the cluster. */
interface FoundGate {
  readonly change: number
  readonly objects: GateObjects
  /** Its set exists and its change is not kept: what it guards is closed, and opens by itself. Of a kept change it holds nothing any more. */
  readonly armed: boolean
  /** When its Job fails by the cluster's clock; undefined when the Job is gone or was never started. */
  readonly expiresAt: Date | undefined
}

/** Where the cluster stands with this tool, read from the cluster alone. */
export interface Situation {
  readonly lock: { readonly holder: string; readonly renewedAt: Date; readonly step: string | undefined } | undefined
  readonly gates: readonly FoundGate[]
  /** Everything is open because the open set exists. */
  readonly opened: boolean
  readonly hostEndpoints: readonly HostEndpoint[]
  /** Runs the lasting Deny names. */
  readonly committed: readonly number[]
  /** Runs whose nodes calico-fw-egress limits in what they send, kept or not: it needs no gate. */
  readonly limited: readonly number[]
  /** Runs that have HostEndpoints but were never kept. */
  readonly unfinished: readonly number[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly checkpoints: readonly Checkpoint[]
  /** Checkpoints that cannot be read, each with an FW_CHECKPOINT that names it. */
  readonly damaged: StoredCheckpoints['damaged']
  /** Numbers of checkpoints that are this machine's copies, for the cluster's are damaged or gone. */
  readonly mended: readonly string[]
  readonly changes: readonly Change[]
  /** Objects of ours that no checkpoint knows; empty while one cannot be read, for that may be the one that does. */
  readonly strays: readonly ObjectRef[]
  /** The HostFirewall YAML last written. */
  readonly firewall: string | undefined
}

/** Whether a run that was never kept is limited still in what its nodes send: somebody deleted calico-fw-deny. */
export const limitsUnkept = ({ unfinished, limited }: Pick<Situation, 'unfinished' | 'limited'>): boolean =>
  unfinished.some((run) => limited.includes(run))

/** Reads it all; needs no discovery, so that it answers in a few requests. `copies` are this machine's checkpoints, which {@link mend} the cluster's. */
export const readSituation = (api: Api, flavour: Flavour, copies: readonly Checkpoint[] = []): Promise<Situation> =>
  understood(() => situationOf(api, flavour, copies))

const situationOf = async (api: Api, flavour: Flavour, copies: readonly Checkpoint[]): Promise<Situation> => {
  const managed = `${keys.managedBy}=${fieldManager}`
  const listOwn = async (resource: Resource, options: { namespace?: string; labelSelector?: string } = {}): Promise<KubeObject[]> =>
    (await api.list(resource, { labelSelector: managed, ...options })) ?? []
  const [lease, jobs, sets, openSets, hostEndpoints, named, read, firewall] = await Promise.all([
    api.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: toolNamespace, name: names.lock }),
    listOwn(resourceOf('batch/v1', 'Job'), { namespace: toolNamespace }),
    listOwn(resourceOf(switchApiVersion(flavour), 'NetworkSet'), { namespace: toolNamespace }),
    listOwn(resourceOf(switchApiVersion(flavour), 'GlobalNetworkSet')),
    listOwn(resourceOf(v3, 'HostEndpoint'), { labelSelector: keys.run }),
    listOwn(resourceOf(v3, 'GlobalNetworkPolicy')),
    readCheckpoints(api),
    api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name: names.firewall }),
  ])
  const policies = named.map(plainlyNamed)
  const stored = mend(read, copies)
  const committed = committedRuns(policies as unknown as GlobalNetworkPolicy[])
  const runs = new Set(hostEndpoints.map(({ metadata }) => Number(metadata.labels?.[keys.run])))
  return {
    lock: lockOf(lease),
    gates: gatesOf(jobs, sets, [...committed, ...committedRemovals(stored.checkpoints, policies)]),
    opened: openSets.some(({ metadata }) => metadata.labels?.[keys.set] === 'open'),
    hostEndpoints: hostEndpoints as unknown as HostEndpoint[],
    committed,
    limited: limitedRuns(policies as unknown as GlobalNetworkPolicy[]),
    unfinished: [...runs].filter((run) => !committed.includes(run)).sort((a, b) => a - b),
    policies: policies as unknown as GlobalNetworkPolicy[],
    ...stored,
    changes: changesOf(stored.checkpoints),
    strays: stored.damaged.length > 0 ? [] : straysAmong([...hostEndpoints, ...policies, ...openSets], stored.checkpoints),
    firewall: (firewall?.['data'] as Record<string, string> | undefined)?.[firewallKey],
  }
}

/** What the cluster itself has of checkpoints that can be read: what a run says it was planned after. */
export const checkpointsRead = ({ checkpoints, mended }: Pick<Situation, 'checkpoints' | 'mended'>): string[] =>
  checkpoints.flatMap(({ number }) => (mended.includes(number) ? [] : [number]))

/** The number the next change gets: numbers are never used twice, also not after a rollback. */
export const nextChange = (situation: Situation, known: readonly number[] = []): number =>
  Math.max(0, ...situation.changes.map(({ number }) => number), ...known, ...situation.committed, ...situation.unfinished) + 1

/** The number the next checkpoint of a change gets. */
export const nextNumber = ({ checkpoints }: Situation, change: number): string =>
  `${change}.${
    Math.max(
      0,
      ...checkpoints
        .map(({ number }) => parseNumber(number))
        .filter((known) => known.change === change)
        .map(({ step }) => step),
    ) + 1
  }`

const lockOf = (lease: KubeObject | undefined): Situation['lock'] => {
  const spec = lease?.['spec'] as { holderIdentity?: string; renewTime?: string } | undefined
  if (spec?.holderIdentity === undefined || spec.holderIdentity === '') return undefined
  return { holder: spec.holderIdentity, renewedAt: new Date(spec.renewTime ?? 0), step: lease?.metadata.annotations?.[keys.step] }
}

const gatesOf = (jobs: readonly KubeObject[], sets: readonly KubeObject[], committed: readonly number[]): FoundGate[] => {
  const changes = new Set([...jobs, ...sets].map(({ metadata }) => Number(metadata.labels?.[keys.change])).filter((change) => change > 0))
  return [...changes].flatMap((change): FoundGate[] => {
    const job = jobs.find(({ metadata }) => metadata.name === gateName(change))
    const set = sets.find(({ metadata }) => metadata.name === gateName(change))
    if (job === undefined && set === undefined) return []
    const absent = (kind: string): KubeObject => ({
      apiVersion: kind === 'Job' ? 'batch/v1' : v3,
      kind,
      metadata: { name: gateName(change), namespace: toolNamespace },
    })
    const armed = set !== undefined && !committed.includes(change)
    return [{ change, objects: { job: job ?? absent('Job'), set: set ?? absent('NetworkSet') }, armed, expiresAt: expiryOf(job) }]
  })
}

/**
 * Rollbacks that took openings back for good: the policies they checkpointed and were to delete are gone, and what their gates hold stays closed without them.
 * A change with HostEndpoints of its own is kept by the lasting Deny alone, whatever openings it took away before.
 */
const committedRemovals = (checkpoints: readonly Checkpoint[], policies: readonly KubeObject[]): number[] => {
  const closing = new Set(checkpoints.flatMap(({ number, images }) => (images.some(isHostEndpoint) ? [parseNumber(number).change] : [])))
  const here = new Set(policies.map(({ metadata }) => metadata.name))
  const removed = checkpoints.flatMap(({ number, images }) =>
    images.filter((image) => isAllow(image) && image.before !== null).map(({ ref }) => ({ change: parseNumber(number).change, ref })),
  )
  const changes = new Set(removed.flatMap(({ change }) => (closing.has(change) ? [] : [change])))
  return [...changes].filter((one) => removed.every(({ change, ref }) => change !== one || !here.has(ref.name)))
}

const isHostEndpoint = ({ ref }: BeforeImage): boolean => ref.kind === 'HostEndpoint'

const expiryOf = (job: KubeObject | undefined): Date | undefined => {
  const seconds = (job?.['spec'] as { activeDeadlineSeconds?: number } | undefined)?.activeDeadlineSeconds
  const startTime = (job?.['status'] as { startTime?: string } | undefined)?.startTime
  return seconds === undefined || startTime === undefined ? undefined : new Date(Date.parse(startTime) + seconds * 1000)
}
