import type { Clock } from '../clock.ts'

/** Requests in flight at first; measured on two cores, 8 is two to three times as fast as one. */
const first = 8
/** The most; the connection opens no more sockets (cluster/dialing-agent). */
const most = 16
/** An answer this late, in milliseconds, comes from a server that is busy, or that said 429: the shortest Retry-After is a second, and the connection waits it out. */
const slowMs = 1_000

/**
 * Does the work for each item, several at a time, in order of starting; the first error ends it once those in flight have ended. One more at a time for as many as
 * are answered promptly, half as many after a slow answer: a server that is asked too much is asked less.
 */
export const inParallel = async <Item>(clock: Pick<Clock, 'now'>, items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> => {
  const errors: unknown[] = []
  const queue = items.values()
  const flying = new Set<Promise<void>>()
  let width = first
  let narrowedAt = Number.NEGATIVE_INFINITY
  const one = async (item: Item): Promise<void> => {
    const began = clock.now()
    await work(item).catch((error: unknown) => errors.push(error))
    const now = clock.now()
    if (now - began < slowMs) width = Math.min(most, width + 1 / width)
    // Those that were in flight together are slow together: that counts once.
    else if (began >= narrowedAt) {
      width = Math.max(1, width / 2)
      narrowedAt = now
    }
  }
  for (const item of queue) {
    while (flying.size >= Math.floor(width)) await Promise.race(flying)
    if (errors.length > 0) break
    const flight = one(item).finally(() => flying.delete(flight))
    flying.add(flight)
  }
  await Promise.all(flying)
  if (errors.length > 0) throw errors[0]
}
