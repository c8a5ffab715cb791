/** What becomes of a change on trial that is not kept, in words: everything opens, or another's firewall that ours stands before (`adopt`) is in force again. */
export interface LapseWords {
  /** A sentence without its end: "the cluster opens by itself". */
  readonly whole: string
  /** The same after "leave it armed: ". */
  readonly brief: string
  /** The answer that ends it. */
  readonly now: string
  /** The command that ends it. */
  readonly command: string
}

/** The words for a run over another's firewall, or over none. */
export const lapseWords = (over: boolean): LapseWords =>
  over
    ? {
        whole: 'the firewall that was there before is in force again by itself',
        brief: 'the one before is in force again by itself',
        now: 'give way now to the one before, and undo everything',
        command: 'give way now: kubectl calico-fw rollback',
      }
    : {
        whole: 'the cluster opens by itself',
        brief: 'it opens by itself',
        now: 'open again now and undo everything',
        command: 'open it now: kubectl calico-fw open; clean up: kubectl calico-fw rollback',
      }

/** A sentence's first letter. */
export const begun = (sentence: string): string => `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
