/** One command's output. */
export interface Section {
  readonly text: string
  /** 124: it took longer than 5 s; 127: the image does not have it. */
  readonly code: number
}

/**
 * The sections of what a script printed in a pod, each between `@@ NAME` and `@@ end CODE`; one that was cut off has code -1.
 */
export const sectionsOf = (output: string): ReadonlyMap<string, Section> => {
  const sections = new Map<string, Section>()
  let name: string | undefined
  let lines: string[] = []
  for (const line of output.split('\n')) {
    const end = /^@@ end (\d+)$/.exec(line)
    const begin = /^@@ (\S+)$/.exec(line)
    if (end !== null) {
      if (name !== undefined) sections.set(name, { text: lines.join('\n').trim(), code: Number(end[1]) })
      name = undefined
    } else if (begin !== null) {
      name = begin[1]
      lines = []
    } else if (name !== undefined) {
      lines.push(line)
    }
  }
  if (name !== undefined) sections.set(name, { text: lines.join('\n').trim(), code: -1 })
  return sections
}
