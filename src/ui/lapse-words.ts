/** What comes of a change on trial that is not kept: everything opens; what it closes opens, while earlier changes keep theirs closed; another's firewall that ours stands before (`adopt`) is in force again. */
export type Lapse = 'all' | 'part' | 'another'

/** That in words. */
export interface LapseWords {
  /** A sentence without its end: "the cluster opens by itself". */
  readonly whole: string
  /** The same after "leave it on trial: ". */
  readonly brief: string
  /** The answer that ends it. */
  readonly now: string
  /** The commands that end it. */
  readonly command: string
}

const words: Readonly<Record<Lapse, LapseWords>> = {
  all: {
    whole: 'the cluster opens by itself',
    brief: 'it opens by itself',
    now: 'open again now and undo everything',
    command: 'open now: kubectl calico-fw open; undo it: kubectl calico-fw rollback',
  },
  part: {
    whole: 'what it closes opens by itself',
    brief: 'what it closes opens by itself',
    now: 'open again now and undo this change',
    command: 'undo it: kubectl calico-fw rollback',
  },
  another: {
    whole: 'the firewall that was there before is in force again by itself',
    brief: 'the one before is in force again by itself',
    now: 'give way now to the one before, and undo everything',
    command: 'give way now: kubectl calico-fw rollback',
  },
}

/** The words for how a run lapses. */
export const lapseWords = (lapse: Lapse): LapseWords => words[lapse]

/** A sentence's first letter. */
export const begun = (sentence: string): string => `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
