import { keys } from '../../calico/names.ts'
import type { KubeObject, ObjectRef } from '../../calico/object.ts'
import { imageKey } from '../checkpoint.ts'
import type { PerformContext } from './context.ts'

/** Sends a write, and remembers it until its answer is here: a network may hold a request back for minutes, and deliver it when the run has undone itself. */
export const sent = async <Answer>({ memory }: PerformContext, ref: ObjectRef, send: () => Promise<Answer>): Promise<Answer> => {
  const key = imageKey(ref)
  memory.unanswered.add(key)
  const answer = await send()
  memory.unanswered.delete(key)
  return answer
}

/** What lets a DELETE meet the object as it was read, and no other. */
export const asSeen = ({ metadata: { uid, resourceVersion } }: KubeObject): { readonly uid?: string; readonly resourceVersion?: string } => ({
  ...(uid === undefined ? {} : { uid }),
  ...(resourceVersion === undefined ? {} : { resourceVersion }),
})

/**
 * Makes another version of an object that is as it was before, where a write to it has not been answered: that one names the version it was meant for, and misses.
 * What is written is taken away again at once.
 */
export const outdate = async ({ ports: { api, clock }, memory, lock }: PerformContext, ref: ObjectRef): Promise<void> => {
  if (!memory.unanswered.has(imageKey(ref))) return
  await lock.guard()
  for (const value of [clock.wall().toISOString(), null]) await api.mergePatch(ref, { metadata: { annotations: { [keys.touched]: value } } })
}
