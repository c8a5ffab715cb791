import { createHash } from 'node:crypto'
import { type Checkpoint, compareNumbers, parseNumber } from './checkpoint.ts'

/** The checkpoints as one chain: each names the one before it by its hash. */
export interface Chain {
  /** The hash of the last checkpoint, or undefined where there is none: whoever noted it can tell later that nothing before it was changed or taken out. */
  readonly head: string | undefined
  /** Numbers of the checkpoints that name another one before them than is there: that one was changed, or one in between is gone. */
  readonly breaks: readonly string[]
  /** Checkpoints at the beginning that a version without the chain wrote: only the last of them is held by it. */
  readonly unchained: readonly string[]
}

/**
 * The hash of a checkpoint as it was written, `sha256:` and hex. It is over its JSON with the keys of every object sorted and no blanks, which
 * `jq -jcS | sha256sum` gives too. How the change ended is written later and beside it, so it is not in it.
 */
export const hashOf = (checkpoint: Checkpoint): string => {
  const known = hashes.get(checkpoint)
  if (known !== undefined) return known
  const { end: _, ...written } = checkpoint
  const hash = `sha256:${createHash('sha256').update(canonical(written)).digest('hex')}`
  hashes.set(checkpoint, hash)
  return hash
}

/** Of 5,000 nodes a checkpoint has megabytes, and who follows the chain asks for its hash again and again; it never changes. */
const hashes = new WeakMap<Checkpoint, string>()

/** What the next checkpoint names as the one before it. One that stands for others passes on the last of theirs: what came after them names that. */
export const linkOf = (checkpoint: Checkpoint): string => checkpoint.head ?? hashOf(checkpoint)

/** Follows the chain through all checkpoints a cluster has. Those that a folded one stands for already are passed over: a client may die while it deletes them. */
export const chainOf = (checkpoints: readonly Checkpoint[]): Chain => {
  const folds = checkpoints.filter((one) => one.folds !== undefined)
  const links = checkpoints
    .filter((one) => !folds.some((fold) => fold !== one && changesIn(one).every((change) => changesIn(fold).includes(change))))
    .sort((one, other) => compareNumbers(one.number, other.number))
  const names = links.map(linkOf)
  const chained = links.findIndex(({ previous }) => previous !== undefined)
  // The first of all has none before it.
  const before = links.slice(0, chained < 0 ? links.length : chained)
  return {
    head: names.at(-1),
    breaks: links.flatMap(({ number, previous }, at) => (at < before.length || previous === names[at - 1] ? [] : [number])),
    unchained: before.length > 1 ? before.map(({ number }) => number) : [],
  }
}

const changesIn = ({ number, folds }: Checkpoint): number[] => folds?.map((one) => one.number) ?? [parseNumber(number).change]

/** Not by JSON.stringify alone: whatever order they are given in, it puts keys that are whole numbers first. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${fields
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join(',')}}`
}
