/** Where a proof writes what it saw. */
export interface Page {
  /** Text as it is: a table, a run's lines. */
  say(text: string): void
  /** A claim, whether it held, and the figures behind it. */
  fact(claim: string, holds: boolean, figures?: string): void
}

/** A page that tells a reader as it goes, and its count of claims in the end. */
export interface CountedPage extends Page {
  held(): number
  failed(): readonly string[]
}

/** A page of lines, each handed on as it is written. */
export const pageOf = (write: (text: string) => void): CountedPage => {
  let held = 0
  const failed: string[] = []
  return {
    say: write,
    fact: (claim, holds, figures) => {
      if (holds) held++
      else failed.push(claim)
      write(`${holds ? 'yes' : 'NO '}  ${claim}${figures === undefined ? '' : `: ${figures}`}`)
    },
    held: () => held,
    failed: () => failed,
  }
}

/** Seconds with one decimal. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
