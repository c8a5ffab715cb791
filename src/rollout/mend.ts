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
  const isDamaged = ({ number }: Checkpoint): boolean => damaged.some((one) => one.number === number)
  const lacking = lackingIn(checkpoints, copies, isDamaged)
  const mended = lacking.map(({ number }) => number)
  return { checkpoints: inOrder([...checkpoints, ...lacking]), damaged: damaged.filter(({ number }) => !mended.includes(number)), mended }
}

/** Copies that the chain of these checkpoints asks for, and those among `ends` that go on behind its end; in the order of their numbers. */
export const lackingIn = (checkpoints: readonly Checkpoint[], copies: readonly Checkpoint[], ends: (copy: Checkpoint) => boolean): Checkpoint[] => {
  const lacking: Checkpoint[] = []
  for (;;) {
    const whole = inOrder([...checkpoints, ...lacking])
    const { head, breaks } = chainOf(whole)
    const here = new Set(whole.map(({ number }) => number))
    const named = new Set(whole.flatMap(({ number, previous }) => (breaks.includes(number) && previous !== undefined ? [previous] : [])))
    const last = whole.at(-1)?.number ?? ''
    const isNext = (copy: Checkpoint): boolean => copy.previous === head && compareNumbers(copy.number, last) > 0 && ends(copy)
    const found = copies.find((copy) => !here.has(copy.number) && (named.has(linkOf(copy)) || isNext(copy)))
    if (found === undefined) return inOrder(lacking)
    lacking.push(found)
  }
}

const inOrder = (checkpoints: readonly Checkpoint[]): Checkpoint[] => [...checkpoints].sort((one, other) => compareNumbers(one.number, other.number))
