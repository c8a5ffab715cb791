import type { Command, Option } from 'commander'
import { wrap } from './wrap.ts'

/** What a command's help says besides its flags. */
export interface HelpWords {
  readonly examples: readonly string[]
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[]
  readonly more?: string
}

/** Help in the manner of kubectl: summary, examples first, then usage, flags in groups, exit codes. 80 columns wherever it is printed. */
export const helpText = (command: Command, fullName: string, words: HelpWords | undefined): string => {
  const columns = 80
  const sections: string[] = [wrap(`${fullName}: ${command.description()}`, { columns })]
  if (words?.more !== undefined) sections.push(wrap(words.more, { columns }))
  if (words !== undefined)
    sections.push(
      section(
        'Examples',
        words.examples.map((line) => `  ${line}`),
      ),
    )
  sections.push(section('Usage', [`  ${fullName} ${command.usage()}`]))
  const commands = command.createHelp().visibleCommands(command)
  if (commands.length > 0)
    sections.push(
      section(
        'Commands',
        rows(
          commands.map((one) => [one.name(), one.description()]),
          columns,
        ),
      ),
    )
  const groups = new Map<string, Pick<Option, 'flags' | 'description'>[]>([['Flags', [{ flags: '-h, --help', description: 'show this help' }]]])
  for (const option of command.options.filter(({ hidden }) => !hidden)) {
    const group = option.helpGroupHeading ?? 'Flags'
    groups.set(group, [...(groups.get(group) ?? []), option])
  }
  for (const [group, options] of groups)
    sections.push(
      section(
        group,
        rows(
          options.map(({ flags, description }) => [flags, description]),
          columns,
        ),
      ),
    )
  if (words !== undefined)
    sections.push(
      section(
        'Exit codes',
        rows(
          words.exitCodes.map(([code, meaning]) => [`${code}`, meaning]),
          columns,
        ),
      ),
    )
  return `${sections.join('\n\n')}\n`
}

const section = (title: string, lines: readonly string[]): string => `${title}:\n${lines.join('\n')}`

/** The widest left side that shares its line with the right one. */
const widest = 24

const rows = (pairs: readonly (readonly [string, string])[], columns: number): string[] => {
  const width = Math.min(widest, Math.max(...pairs.map(([left]) => left.length)))
  return pairs.map(([left, right]) => {
    const indent = ' '.repeat(width + 4)
    const lines = wrap(right, { columns: columns - indent.length })
      .split('\n')
      .join(`\n${indent}`)
    return left.length > width ? `  ${left}\n${indent}${lines}` : `  ${left.padEnd(width)}  ${lines}`
  })
}
