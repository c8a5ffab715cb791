import type { KubeObject, ObjectRef } from '../calico/object.ts'
import { formatRef } from '../calico/object.ts'
import type { Accepted } from '../proof/accepted.ts'

/** What an object was before a step touched it; null where it did not exist. */
export interface BeforeImage {
  readonly ref: ObjectRef
  readonly before: KubeObject | null
  /** FelixConfiguration only: the lists the coming step writes, so that undo knows a foreign edit from our own. */
  readonly wrote?: Readonly<Record<string, unknown>>
}

/** One immutable, numbered record: how the cluster was before step `number`. `2.3` is the third step of change 2. */
export interface Checkpoint {
  readonly apiVersion: 'calico-fw.github.io/v1alpha1'
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
  readonly images: readonly BeforeImage[]
}

/** Splits `2.3` into change 2, step 3. */
export const parseNumber = (number: string): { change: number; step: number } => {
  const [change = '0', step = '0'] = number.split('.')
  return { change: Number(change), step: Number(step) }
}

/** Ascending by change, then step. */
export const compareNumbers = (one: string, other: string): number => {
  const [a, b] = [parseNumber(one), parseNumber(other)]
  return a.change - b.change || a.step - b.step
}

/** The key under which an object is remembered: API version, kind, namespace and name. */
export const imageKey = (ref: ObjectRef): string => `${ref.apiVersion} ${formatRef(ref)}`

/**
 * What the cluster was before the earliest of these checkpoints: for each object they touched, its oldest before-image.
 * `rollback --to K` passes every checkpoint of the changes after K.
 */
export const earliestImages = (checkpoints: readonly Checkpoint[]): BeforeImage[] => {
  const earliest = new Map<string, BeforeImage>()
  for (const { images } of [...checkpoints].sort((a, b) => compareNumbers(a.number, b.number))) {
    for (const image of images) {
      const known = earliest.get(imageKey(image.ref))
      if (known === undefined) earliest.set(imageKey(image.ref), image)
      else if (image.wrote !== undefined) earliest.set(imageKey(image.ref), { ...known, wrote: image.wrote })
    }
  }
  return [...earliest.values()]
}
