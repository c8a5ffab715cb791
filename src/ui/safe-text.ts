/** The emphasis of our own theme: bold, faint, red, green, yellow, and their ends. */
const emphasis = '\u001b\\[(?:1|2|22|31|32|33|39)m'
/** Whole escape sequences first, so that nothing of them stays behind; then every other control character, and the marks that turn the reading direction (CVE-2021-42574). */
const dangerous = '\u001b\\[[0-?]*[ -/]*[@-~]|\u001b[\\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\\\)?|(?![\\t\\n])\\p{Cc}|\\p{Bidi_Control}'
const either = new RegExp(`(${emphasis})|${dangerous}`, 'gu')

/** Text fit for a terminal, wherever its parts come from: no cursor moves, no titles, no hidden characters. */
export const safeText = (text: string): string => text.replace(either, (_, kept: string | undefined) => kept ?? '')

/** The same, on one line of at most `limit` characters. */
export const safeLine = (text: string, limit = 2_000): string => {
  const line = safeText(text).replace(/\s*\n\s*/g, ' ')
  return line.length > limit ? `${line.slice(0, limit)} ... (${line.length - limit} characters more)` : line
}

/** Characters a JSON or YAML document must not carry raw: a terminal acts on them, and nobody sees them. */
export const unseen = /[\u007f-\u009f]|\p{Bidi_Control}/gu

/** `\u202e` for the character itself. */
export const escaped = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
