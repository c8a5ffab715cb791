import { chainOf, linkOf } from './chain.ts'
import { type Checkpoint, compareNumbers } from './checkpoint.ts'
import type { StoredCheckpoints } from './perform/checkpoint-store.ts'

/** What a cluster's checkpoints are with the help of copies, and the numbers of those that were taken from them. */
export interface Mended extends StoredCheckpoints {
  readonly mended: readonly string[]
}

/**
 * Puts this machine's copies in the place of checkpoints that are damaged in the cluster, or gone from it. A copy is taken where the chain says that it is the very
 * one: a later checkpoint names its hash, or, for a damaged one, it names the hash of the one before. Where nothing in the cluster can be read nothing says that:
 * the copies may be from an earlier life of the tool.
 */
export const mend = ({ checkpoints, damaged }: StoredCheckpoints, copies: readonly Checkpoint[]): Mended => {
  const ends = new Map(damaged.map(({ number, end }) => [number, end]))
  const lacking = lackingIn(checkpoints, copies, ({ number }) => ends.has(number))
  const mended = lacking.map(({ number }) => number)
  // How a change ended was never in the copy.
  const whole = lacking.map((copy): Checkpoint => {
    const end = ends.get(copy.number)
    return end === undefined ? copy : { ...copy, end }
  })
  return { checkpoints: inOrder([...checkpoints, ...whole]), damaged: damaged.filter(({ number }) => !mended.includes(number)), mended }
}

/** Copies whose hash these checkpoints name and that are not among them, and those among `others` that name the one before their place; in their order. */
export const lackingIn = (checkpoints: readonly Checkpoint[], copies: readonly Checkpoint[], others: (copy: Checkpoint) => boolean): Checkpoint[] => {
  const lacking: Checkpoint[] = []
  for (;;) {
    const whole = inOrder([...checkpoints, ...lacking])
    const here = new Set(whole.map(({ number }) => number))
    const named = new Set(gapsIn(whole).map(({ previous }) => previous))
    const isNext = (copy: Checkpoint): boolean => {
      const before = whole.findLast(({ number }) => compareNumbers(number, copy.number) < 0)
      return before !== undefined && copy.previous === linkOf(before) && others(copy)
    }
    const found = copies.find((copy) => !here.has(copy.number) && ((named.size > 0 && named.has(linkOf(copy))) || isNext(copy)))
    if (found === undefined) return inOrder(lacking)
    lacking.push(found)
  }
}

/** The checkpoints before which one is missing: what they name is nowhere. */
export const gapsIn = (checkpoints: readonly Checkpoint[]): Checkpoint[] => {
  const { breaks } = chainOf(checkpoints)
  const links = new Set(checkpoints.map(linkOf))
  return checkpoints.filter(({ number, previous }) => breaks.includes(number) && previous !== undefined && !links.has(previous))
}

const inOrder = (checkpoints: readonly Checkpoint[]): Checkpoint[] => [...checkpoints].sort((one, other) => compareNumbers(one.number, other.number))
