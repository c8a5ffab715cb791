import { type Checkpoint, compareNumbers, type End, parseNumber } from './checkpoint.ts'

/** What is kept of a change whose checkpoints were folded into one with others'. */
export interface ChangeRecord {
  readonly number: number
  readonly at: string
  readonly by: string
  readonly command: string
  /** The changes a rollback took back; none for any other change. */
  readonly undoes: readonly number[]
  /** How it ended; undefined where nobody wrote that down: it goes on, or its client died, or was left armed. */
  readonly end: End | undefined
}

/** One numbered change. */
export interface Change extends ChangeRecord {
  /** The change that took this one back, if one did. */
  readonly undoneBy: number | undefined
  /** What it did is in the cluster now. A rollback is not: what it left is the changes before it. */
  readonly inForce: boolean
}

/** The changes that checkpoints belong to, in order, and which of them are in force after all that was taken back and done again. */
export const changesOf = (checkpoints: readonly Checkpoint[]): Change[] => {
  const records = recordsOf(checkpoints)
  const after = inForceAfter(records)
  const now = after.at(-1) ?? []
  return records.map((record, at) => ({ ...record, undoneBy: undoneBy(records, after, at), inForce: now.includes(record.number) }))
}

/** The number of the change before this one; 0 before the first. Numbers have gaps where an earlier life of the tool used them. */
const changeBefore = (changes: readonly Pick<Change, 'number'>[], number: number): number =>
  Math.max(0, ...changes.flatMap((change) => (change.number < number ? [change.number] : [])))

/** The change that `rollback` alone goes back to: the one before the last that is in force. A rollback that was begun and not done is gone on with. */
export const rollbackTarget = (changes: readonly Change[]): number => {
  const last = changes.at(-1)
  if (last !== undefined && last.undoes.length > 0 && last.end?.outcome !== 'done' && last.end?.outcome !== 'rolled-back')
    return changeBefore(changes, Math.min(...last.undoes))
  return changeBefore(changes, changes.findLast(({ inForce }) => inForce)?.number ?? 0)
}

const recordsOf = (checkpoints: readonly Checkpoint[]): ChangeRecord[] => {
  const records = new Map<number, ChangeRecord>()
  for (const { folds = [] } of checkpoints) for (const record of folds) records.set(record.number, record)
  const seen = new Set<number>()
  for (const checkpoint of [...checkpoints].sort((one, other) => compareNumbers(one.number, other.number))) {
    const { change } = parseNumber(checkpoint.number)
    if (checkpoint.folds !== undefined || seen.has(change)) continue
    seen.add(change)
    const { at, by, command, undoes = [], end } = checkpoint
    records.set(change, { number: change, at, by, command, undoes, end })
  }
  return [...records.values()].sort((one, other) => one.number - other.number)
}

/** A rollback that died before its end may have put nothing back: what it was to take back counts as in force, and going back once more changes nothing. */
const tookBack = ({ undoes, end }: ChangeRecord): boolean => undoes.length > 0 && (end?.outcome === 'done' || end?.outcome === 'incomplete')

/** For each change the changes in force once it had ended. What a run took back itself never was; a rollback leaves what was in force then. */
const inForceAfter = (records: readonly ChangeRecord[]): (readonly number[])[] => {
  const after: (readonly number[])[] = []
  for (const record of records) {
    const { number, undoes, end } = record
    const before = after.at(-1) ?? []
    if (undoes.length === 0 && end?.outcome !== 'rolled-back') after.push([...before, number])
    else if (!tookBack(record)) after.push(before)
    else after.push(after[records.findIndex((record) => record.number === changeBefore(records, Math.min(...undoes)))] ?? [])
  }
  return after
}

/** The last rollback that took it out of force, where none has brought it back since; for a rollback the first that went back behind it. */
const undoneBy = (records: readonly ChangeRecord[], after: readonly (readonly number[])[], at: number): number | undefined => {
  const { number, undoes } = records[at] ?? { number: 0, undoes: [] }
  const rollbacks = records.filter((record) => record.undoes.includes(number) && tookBack(record))
  if (undoes.length > 0) return rollbacks[0]?.number
  if (after.at(-1)?.includes(number) === true) return undefined
  return rollbacks.at(-1)?.number
}
