/** Something that can be stopped and let go on: a frozen process. */
export interface Barrier {
  readonly closed: boolean
  close(): void
  open(): void
  /** Resolves at once while open, else when it is opened. */
  passed(): Promise<void>
}

/** An open barrier. */
export const createBarrier = (): Barrier => {
  let waiting: (() => void)[] | undefined
  return {
    get closed() {
      return waiting !== undefined
    },
    close: () => {
      waiting ??= []
    },
    open: () => {
      const released = waiting ?? []
      waiting = undefined
      for (const release of released) release()
    },
    passed: () => (waiting === undefined ? Promise.resolve() : new Promise((resolve) => waiting?.push(resolve))),
  }
}
