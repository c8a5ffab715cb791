import type { ObjectRef } from '../calico/object.ts'
import { formatRef } from '../calico/object.ts'
import { chainOf, hashOf } from './chain.ts'
import { type BeforeImage, type Checkpoint, distinct, earliestImages, imageKey, parseNumber } from './checkpoint.ts'

/** An object after a change, and whose word that is. */
interface After {
  readonly object: string
  /** Null where it is not there; absent where nobody can tell. */
  readonly after?: BeforeImage['before']
  /** The next change that touched it found it so; `now` where none has. */
  readonly seen: string
}

/** The objects a change touched, each once. */
export const touchedBy = (steps: readonly Checkpoint[]): ObjectRef[] => distinct(steps.flatMap(({ images }) => images.map(({ ref }) => ref)))

/**
 * One change as evidence: its checkpoints, which hold what it was to do, why that was held safe, every probe, and each object before; each object after;
 * and the chain they are part of. `now` is what the objects it touched are today, as far as they could be read.
 */
export const changeBundle = (change: number, steps: readonly Checkpoint[], all: readonly Checkpoint[], now: readonly BeforeImage[]) => ({
  checkpoints: steps,
  after: afterOf(change, touchedBy(steps), all, now),
  chain: {
    ...chainOf(all),
    links: all.map((checkpoint) => ({ number: checkpoint.number, previous: checkpoint.previous ?? null, hash: hashOf(checkpoint) })),
  },
})

const afterOf = (change: number, touched: readonly ObjectRef[], all: readonly Checkpoint[], now: readonly BeforeImage[]): After[] => {
  const today = new Map(now.map((image) => [imageKey(image.ref), image]))
  const isLater = ({ number, folds = [] }: Checkpoint): boolean => parseNumber(number).change > change && folds.every((one) => one.number > change)
  const later = all.filter(isLater)
  const found = new Map(earliestImages(later).map((image) => [imageKey(image.ref), image.before]))
  // What it holds is from before the first of its changes: what this one left, a later one of them may have changed.
  const fold = all.find(({ folds = [] }) => folds.some(({ number }) => number === change) && folds.some(({ number }) => number > change))
  const touches = ({ images }: Checkpoint, key: string): boolean => images.some(({ ref }) => imageKey(ref) === key)
  return touched.map((ref) => {
    const key = imageKey(ref)
    const object = formatRef(ref)
    if (fold !== undefined && touches(fold, key))
      return { object, seen: `by nobody who still tells: it is among the changes of checkpoint ${fold.number}` }
    const next = later.find((one) => touches(one, key))
    if (next !== undefined) return { object, after: found.get(key) ?? null, seen: `before step ${next.number}` }
    const image = today.get(key)
    return image === undefined ? { object, seen: 'not read' } : { object, after: image.before, seen: 'now' }
  })
}
