import type { Sample } from './protocol.ts'

/** A time in which a line let nothing through. Milliseconds since the epoch. */
export interface Cut {
  readonly id: string
  /** When the first lost attempt began. */
  readonly from: number
  /** When the first attempt that came through again began; undefined where none did. */
  readonly to: number | undefined
  readonly lost: number
  /** What the lost attempts came to. */
  readonly answers: readonly string[]
}

/** Finds every cut in the samples of any number of lines. An attempt counts by when it began, not by when it gave up. */
export const cutsOf = (samples: readonly Sample[]): Cut[] => {
  const cuts: Cut[] = []
  const open = new Map<string, { from: number; lost: number; answers: Set<string> }>()
  for (const sample of [...samples].sort((a, b) => a.started - b.started)) {
    const current = open.get(sample.id)
    if (sample.answer !== 'OPEN') {
      if (current === undefined) open.set(sample.id, { from: sample.started, lost: 1, answers: new Set([sample.answer]) })
      else {
        current.lost++
        current.answers.add(sample.answer)
      }
    } else if (current !== undefined) {
      cuts.push({ ...current, id: sample.id, to: sample.started, answers: [...current.answers] })
      open.delete(sample.id)
    }
  }
  for (const [id, current] of open) cuts.push({ ...current, id, to: undefined, answers: [...current.answers] })
  return cuts.sort((a, b) => a.from - b.from || a.id.localeCompare(b.id))
}

/** How long a cut was, in milliseconds; one that never ended lasts until `ended`. */
export const lengthOf = (cut: Cut, ended: number): number => (cut.to ?? ended) - cut.from

/** The cuts that were longer than allowed. */
export const tooLong = (timeline: { readonly cuts: readonly Cut[]; readonly ended: number }, maxMs: number): Cut[] =>
  timeline.cuts.filter((cut) => lengthOf(cut, timeline.ended) > maxMs)
