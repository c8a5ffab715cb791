import type { Board, Saying } from './board.ts'

/** A board for logs and pipes: a line when a task begins, one for each step of it, one for each round of probes; seconds do not tick there. */
export const plainBoard = (titles: readonly string[], offset: number, of: number, write: (line: string) => void): Board => {
  let said: Saying = {}
  let current = -1
  return {
    begin: (index) => {
      if (index === current) return
      current = index
      write(`[${offset + index + 1}/${of}] ${titles[index] ?? ''}`)
    },
    say: (saying) => {
      if (saying.step !== undefined && saying.step !== said.step) write(`      ${saying.step}`)
      if (saying.probes !== undefined && saying.probes !== said.probes) write(`      ${[saying.probes, saying.opensIn].filter(Boolean).join('; ')}`)
      said = saying
    },
    fail: (text) => write(`      failed: ${text}`),
    note: (text) => write(`      ${text}`),
    close: (brokenOff) => {
      if (brokenOff !== undefined) write(`      ${brokenOff}`)
      return Promise.resolve()
    },
  }
}
