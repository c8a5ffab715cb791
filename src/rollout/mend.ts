import { chainOf, linkOf } from './chain.ts'
import { type Checkpoint, compareNumbers } from './checkpoint.ts'
import type { StoredCheckpoints } from './perform/checkpoint-store.ts'

/** What a cluster's checkpoints are with the help of copies, and the numbers of those that were taken from them. */
export interface Mended extends StoredCheckpoints {
  readonly mended: readonly string[]
}

/**
 * Puts this machine's copies in the place of checkpoints that are damaged in the cluster, or gone from it. A copy is taken where the chain says that it is the very
 * one: the checkpoint after it names its hash, or, for a damaged one with nothing behind it, it names the hash of the one before.
 */
export const mend = ({ checkpoints, damaged }: StoredCheckpoints, copies: readonly Checkpoint[]): Mended => {
  let whole = [...checkpoints]
  const mended: string[] = []
  for (let found = missing(whole, damaged, copies); found !== undefined; found = missing(whole, damaged, copies)) {
    mended.push(found.number)
    whole = [...whole, found].sort((one, other) => compareNumbers(one.number, other.number))
  }
  return { checkpoints: whole, damaged: damaged.filter(({ number }) => !mended.includes(number)), mended: mended.sort(compareNumbers) }
}

/** The next copy that the chain asks for. */
const missing = (
  checkpoints: readonly Checkpoint[],
  damaged: StoredCheckpoints['damaged'],
  copies: readonly Checkpoint[],
): Checkpoint | undefined => {
  const { head, breaks } = chainOf(checkpoints)
  const here = new Set(checkpoints.map(({ number }) => number))
  const candidates = copies.filter(({ number }) => !here.has(number))
  const named = new Set(checkpoints.flatMap(({ number, previous }) => (breaks.includes(number) && previous !== undefined ? [previous] : [])))
  const last = checkpoints.at(-1)?.number ?? ''
  const isTail = ({ number, previous }: Checkpoint): boolean =>
    previous === head && compareNumbers(number, last) > 0 && damaged.some((one) => one.number === number)
  return candidates.find((copy) => named.has(linkOf(copy)) || isTail(copy))
}
