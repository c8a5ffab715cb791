import * as v from 'valibot'
import type { FwError } from '../errors.ts'
import { type Checkpoint, checkpointVersion } from '../rollout/checkpoint.ts'
import type { Journal } from '../store/journal.ts'

/** What a file of the journal must hold to be a checkpoint; more may be in it. */
const stored = v.looseObject({
  apiVersion: v.literal(checkpointVersion),
  ...{ number: v.string(), title: v.string(), at: v.string(), by: v.string(), command: v.string() },
  undoes: v.optional(v.array(v.number())),
  images: v.array(v.looseObject({ ref: v.looseObject({ apiVersion: v.string(), kind: v.string(), name: v.string() }) })),
})

/** This machine's copies of a cluster's checkpoints, and what could not be read of them. */
export const ownCopies = async (journal: Journal, clusterUid: string): Promise<{ copies: Checkpoint[]; problems: readonly FwError[] }> => {
  const { entries, problems } = await journal.readCheckpoints(clusterUid)
  return { copies: entries.flatMap(({ document }) => (v.is(stored, document) ? [document as unknown as Checkpoint] : [])), problems }
}
