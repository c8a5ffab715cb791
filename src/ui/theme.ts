import { styleText } from 'node:util'

/** Emphasis for one stream; every function gives the text back plain where the stream takes no colour. */
export interface Theme {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
}

const plain = (text: string): string => text

/** No emphasis at all. */
export const plainTheme: Theme = { strong: plain, faint: plain, good: plain, warn: plain, bad: plain }

/** Whether the stream gets colour: NO_COLOR (no-color.org) and TERM=dumb forbid it, FORCE_COLOR demands it, else a terminal gets it. */
export const takesColour = (stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): boolean => {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

/** The emphasis a stream takes. The decision is ours: Node 20.17 colours whatever it is asked to, later ones look at stdout. */
export const themeFor = (stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): Theme => {
  if (!takesColour(stream, env)) return plainTheme
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) => styleText(format, text, { validateStream: false })
  return { strong: style('bold'), faint: style('dim'), good: style('green'), warn: style('yellow'), bad: style('red') }
}
