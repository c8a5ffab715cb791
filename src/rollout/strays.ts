import { keys } from '../calico/names.ts'
import { type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import { v3 } from '../calico/resources.ts'
import { manifestWriterOf } from '../firewall/objects/manifest-writer.ts'
import { type BeforeImage, type Checkpoint, imageKey } from './checkpoint.ts'

/**
 * Objects of ours that no checkpoint knows: a client that was stopped in the middle of a write, or whose write the network held back, may land it after another has
 * taken the lock over and rolled back to before everything. What a GitOps tool writes is its own.
 */
export const straysAmong = (ours: readonly KubeObject[], checkpoints: readonly Checkpoint[]): ObjectRef[] => {
  const known = new Set(checkpoints.flatMap(({ images }) => images.map(({ ref }) => imageKey(ref))))
  const strays = ours.filter((object) => !known.has(imageKey(refAs(object))) && manifestWriterOf(object) === undefined)
  const isStray = (object: KubeObject): boolean => strays.includes(object)
  // `open` needs no checkpoint: its set is a stray only where it holds nothing open.
  const opens = checkpoints.length > 0 || ours.some((object) => object.kind === 'HostEndpoint' && !isStray(object))
  return strays.filter((object) => !(opens && object.metadata.labels?.[keys.set] === 'open')).map(refAs)
}

/** Everything is restored through v3, whichever group it was read from. */
const refAs = (object: KubeObject): ObjectRef => ({ ...refOf(object), apiVersion: v3 })

/** What leads back to before a stray. */
export const withoutStray = (ref: ObjectRef): BeforeImage => ({ ref, before: null })
