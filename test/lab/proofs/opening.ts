import type { Lab } from '../lab.ts'
import { pause } from '../machine/run.ts'
import { watchLifeLines } from '../packets/life-lines.ts'
import type { Sample } from '../packets/protocol.ts'
import { closable } from './home-answers.ts'

/** Watches the ports that close, and tells when all of them answer. */
export interface OpeningWatch {
  /** Whether anything was seen closed since a moment. */
  closedSince(since: number): boolean
  /** When the first attempt was lost after a moment; undefined where none was. */
  firstLoss(since: number): number | undefined
  /** Resolves with the moment from which every port answered every attempt, once that has held for two seconds; undefined after the deadline. */
  openFrom(since: number, deadline: number): Promise<number | undefined>
  stop(): Promise<void>
}

/** Five fresh connections a second to each. */
const everyMs = 200
const timeoutMs = 900
/** An attempt is judged when it ends; until then its successor may already have begun. */
const holdsForMs = 2_000

/** Starts watching every port the home firewall closes, from outside. */
export const watchOpening = async (lab: Lab): Promise<OpeningWatch> => {
  const lost: Sample[] = []
  const lines = closable(lab)
  const watching = await watchLifeLines(lab, lines, { everyMs, timeoutMs }, (sample) => lost.push(sample))
  const lossesFrom = (since: number) => lost.filter(({ started }) => started >= since)
  return {
    closedSince: (since) => lossesFrom(since).length > 0,
    firstLoss: (since) => lossesFrom(since)[0]?.started,
    openFrom: async (since, deadline) => {
      for (;;) {
        const last = Math.max(since, ...lossesFrom(since).map(({ started }) => started))
        // What began later than a timeout ago may not have ended yet.
        const known = Date.now() - timeoutMs - everyMs
        if (known - last >= holdsForMs) return last === since ? since : last + everyMs
        if (Date.now() > deadline + holdsForMs + timeoutMs + everyMs) return undefined
        await pause(100)
      }
    },
    stop: async () => void (await watching.stop()),
  }
}
