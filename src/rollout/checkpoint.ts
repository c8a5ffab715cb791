import { toolNamespace } from '../calico/names.ts'
import type { KubeObject, ObjectRef } from '../calico/object.ts'
import { formatRef } from '../calico/object.ts'
import type { Probe, ProbeOutcome } from '../firewall/probes/probes.ts'
import type { Accepted } from '../proof/accepted.ts'
import type { ChangeRecord } from './changes.ts'

/** What an object was before a step touched it; null where it did not exist. */
export interface BeforeImage {
  readonly ref: ObjectRef
  readonly before: KubeObject | null
  /** FelixConfiguration only: the lists the coming step writes, so that undo knows a foreign edit from our own. */
  readonly wrote?: Readonly<Record<string, unknown>>
  /** What steps before that one wrote: a client that died between its checkpoint and its write leaves these. */
  readonly wroteBefore?: readonly Readonly<Record<string, unknown>>[]
}

/** How a change ended, written down at its end by whoever made it. */
export interface End {
  readonly outcome: 'done' | 'rolled-back' | 'incomplete'
  /** RFC 3339, the writer's clock. */
  readonly at: string
  /** Probes that were green at the last look. */
  readonly green: number
  /** Why the run turned round, where it did. */
  readonly why?: string | undefined
}

/** What a change rests on, kept with it so that anybody can tell later why it was made as it was. Everything here is for people. */
export interface ChangeEvidence {
  /** Of this program, Kubernetes and Calico. */
  readonly versions: Readonly<Record<string, string>>
  /** What was shown before the question. */
  readonly plan: Readonly<Record<string, unknown>>
  readonly proof: Readonly<Record<string, unknown>>
  /** Every probe, and what it answered before the first write. */
  readonly probes?: readonly (Pick<Probe, 'id' | 'title' | 'expect'> & { readonly before: ProbeOutcome })[]
}

/** The version of checkpoints this program writes, and the only one so far. */
export const checkpointVersion = 'calico-fw.github.io/v1alpha1'

/** One immutable, numbered record: how the cluster was before step `number`. `2.3` is the third step of change 2. */
export interface Checkpoint {
  readonly apiVersion: typeof checkpointVersion
  readonly kind: 'Checkpoint'
  readonly number: string
  readonly title: string
  /** RFC 3339, the writer's clock: for people, never for deadlines. */
  readonly at: string
  readonly by: string
  readonly command: string
  /** The changes this one took back, where it is a rollback's. */
  readonly undoes?: readonly number[]
  /** Risks the operator took by name. */
  readonly accepted?: Accepted
  /** What the change was to do and why that was held safe: on its first checkpoint alone. */
  readonly evidence?: ChangeEvidence
  /** Probes that were green at the last look before this step; none before the first. */
  readonly green?: number
  readonly images: readonly BeforeImage[]
  /** The hash of the checkpoint before this one; the first of all has none. See `hashOf`. */
  readonly previous?: string
  /** Where it stands for others: what the checkpoint after the last of them names as `previous`. */
  readonly head?: string
  /** Changes this one stands for, where their own checkpoints were pruned: its images are the earliest of theirs. */
  readonly folds?: readonly ChangeRecord[]
  /** How the change ended: on its first checkpoint alone, and beside the checkpoint, which never changes. */
  readonly end?: End
}

/** Splits `2.3` into change 2, step 3. */
export const parseNumber = (number: string): { change: number; step: number } => {
  const [change = '0', step = '0'] = number.split('.')
  return { change: Number(change), step: Number(step) }
}

/** Ascending by change, then step, then what stands behind. */
export const compareNumbers = (one: string, other: string): number => {
  const [a, b] = [one.split('.').map(Number), other.split('.').map(Number)]
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The key under which an object is remembered: API version, kind, namespace and name. */
export const imageKey = (ref: ObjectRef): string => `${ref.apiVersion} ${formatRef(ref)}`

/** Each object once, the last of those that are the same. */
export const distinct = <One extends ObjectRef | BeforeImage>(all: readonly One[]): One[] => [
  ...new Map(all.map((one) => [formatRef('ref' in one ? one.ref : one), one])).values(),
]

/**
 * What the cluster was before the earliest of these checkpoints: for each object they touched, its oldest before-image, but for gates, which are never put
 * back: the deadline has run, and a set without the Job that owned it would never go. `rollback --to K` passes every checkpoint of the changes after K.
 */
export const earliestImages = (checkpoints: readonly Checkpoint[]): BeforeImage[] => {
  const earliest = new Map<string, BeforeImage>()
  for (const { images } of [...checkpoints].sort((a, b) => compareNumbers(a.number, b.number))) {
    for (const image of images) {
      const known = earliest.get(imageKey(image.ref))
      if (known === undefined) earliest.set(imageKey(image.ref), isOfGate(image.ref) ? { ...image, before: null } : image)
      else if (image.wrote !== undefined) earliest.set(imageKey(image.ref), { ...known, ...writtenSince(known, image) })
    }
  }
  return [...earliest.values()]
}

const isOfGate = ({ kind, namespace }: ObjectRef): boolean => namespace === toolNamespace && (kind === 'Job' || kind === 'NetworkSet')

const writtenSince = (known: BeforeImage, { wrote, wroteBefore = [] }: BeforeImage): Pick<BeforeImage, 'wrote' | 'wroteBefore'> => ({
  ...(wrote === undefined ? {} : { wrote }),
  wroteBefore: [...(known.wroteBefore ?? []), ...(known.wrote === undefined ? [] : [known.wrote]), ...wroteBefore],
})

/** An object read from the cluster as server-side apply takes it: without what the server fills in. */
export const applicable = (read: KubeObject): KubeObject => {
  const { name, namespace, labels, annotations } = read.metadata
  const { status: _, ...rest } = read
  return {
    ...rest,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  }
}
