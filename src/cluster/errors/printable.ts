import { stripVTControlCharacters } from 'node:util'

/** Control characters but tab and newline, and the marks that turn the reading direction (CVE-2021-42574). */
const controls = /(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu

/** Text from elsewhere, fit for a terminal: no escape sequences, no control characters, at most `limit` characters. */
export const printable = (text: string, limit = 2_000): string => {
  const clean = stripVTControlCharacters(text).replace(controls, '')
  return clean.length > limit ? `${clean.slice(0, limit)} ... (${clean.length - limit} characters more)` : clean
}
