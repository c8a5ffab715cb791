/** What the task at work is doing now. */
export interface Saying {
  readonly step?: string | undefined
  readonly probes?: string | undefined
  /** Changes with every second. */
  readonly opensIn?: string | undefined
}

/** A list of tasks somebody watches; one is at work at a time. */
export interface Board {
  /** Ends the task at work, if any, and begins this one. */
  begin(index: number): void
  /** Replaces what was said before. */
  say(saying: Saying): void
  /** Marks the task at work as failed. */
  fail(text: string): void
  /** A line that stays. */
  note(text: string): void
  /** Ends the task at work as done (or, with a text, as broken off there) and lets the list go. The terminal is free once this resolves. */
  close(brokenOff?: string): Promise<void>
}
