/** Terminals narrower than this get long lines rather than broken words. */
const narrowest = 40

/**
 * Breaks one paragraph at spaces so that no line is longer than `columns`; the first line begins with `first`, the others with as many
 * spaces. A word longer than a line stays whole: an address or a command must be copied in one piece.
 */
export const wrap = (text: string, { columns, first = '' }: { readonly columns: number; readonly first?: string }): string => {
  const rest = ' '.repeat(first.length)
  const width = Math.max(narrowest, columns) - first.length
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((one, index) => `${index === 0 ? first : rest}${one}`.trimEnd()).join('\n')
}

/** `a`, `a and b`, `a, b and c`. */
export const listed = (items: readonly string[]): string =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/** `1 node`, `5 nodes`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
