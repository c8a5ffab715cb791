import { linkOf } from './chain.ts'
import type { Change } from './changes.ts'
import { type Checkpoint, checkpointVersion, compareNumbers, earliestImages, parseNumber } from './checkpoint.ts'

/** How many of the last changes keep checkpoints of their own; the first does, too. */
const keptChanges = 20

/** Checkpoints that one checkpoint is to stand for. */
export interface Folding {
  readonly into: Checkpoint
  readonly of: readonly Checkpoint[]
}

/**
 * What to prune: between the first change and the last twenty, checkpoints of neighbouring changes become one with the earliest image of every object
 * they touched. So every way back that leads past all of them, the one to 0 first of all, stays exact; only the states between them are given up.
 * The change that `rollback` alone takes back is kept, and so is one that has not ended while it is in force.
 * A folded checkpoint is numbered before those it stands for: while both are there, the same images are found.
 */
export const foldings = (checkpoints: readonly Checkpoint[], changes: readonly Change[]): Folding[] => {
  const lastInForce = changes.findLast(({ inForce }) => inForce)?.number
  const kept = new Set([
    changes[0]?.number,
    lastInForce,
    ...changes.slice(-keptChanges).map(({ number }) => number),
    ...changes.filter(({ end, inForce }) => end === undefined && inForce).map(({ number }) => number),
  ])
  // What is folded cannot be taken apart again, whatever has come into force since.
  const folded = new Set(checkpoints.flatMap(({ folds = [] }) => folds.map(({ number }) => number)))
  const groups: (readonly Change[])[] = []
  let group: Change[] = []
  for (const change of changes) {
    if (kept.has(change.number) && !folded.has(change.number)) {
      groups.push(group)
      group = []
    } else group.push(change)
  }
  return [...groups, group].flatMap((members) => folding(checkpoints, members))
}

const folding = (checkpoints: readonly Checkpoint[], members: readonly Change[]): Folding[] => {
  const [first, last] = [members[0], members.at(-1)]
  if (first === undefined || last === undefined) return []
  const of = checkpoints.filter(({ number }) => {
    const { change } = parseNumber(number)
    return change >= first.number && change <= last.number
  })
  const number = `${first.number}.0.${last.number}`
  if (of.every((checkpoint) => checkpoint.number === number)) return []
  const folds = members.map(({ undoneBy: _, inForce: __, ...record }) => record)
  const title = `before changes ${first.number} to ${last.number}`
  const { at, by, command } = last
  const inOrder = [...of].sort((one, other) => compareNumbers(one.number, other.number))
  const [previous, end] = [inOrder[0]?.previous, inOrder.at(-1)]
  const into: Checkpoint = {
    ...{ apiVersion: checkpointVersion, kind: 'Checkpoint', number, title, at, by, command, images: earliestImages(of), folds },
    ...(previous === undefined ? {} : { previous }),
    ...(end === undefined ? {} : { head: linkOf(end) }),
  }
  return [{ into, of: inOrder.filter((checkpoint) => checkpoint.number !== number) }]
}

/** Whether the state after change `to` can still be told from those around it. */
export const isReachable = (checkpoints: readonly Checkpoint[], to: number): boolean =>
  !checkpoints.some(({ folds = [] }) => folds.some(({ number }) => number <= to) && folds.some(({ number }) => number > to))
