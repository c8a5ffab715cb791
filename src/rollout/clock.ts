/** Time as the tool sees it. Deadlines use the monotonic reading only: wall clocks of laptops jump. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  now(): number
  /** The date, for records people read. */
  wall(): Date
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
