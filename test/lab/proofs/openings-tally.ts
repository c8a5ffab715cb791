import { seconds } from './page.ts'

/** How one run that was hit ended. */
export interface HitEnd {
  readonly command: string
  readonly fault: string
  /** What `status` says stands. */
  readonly standing: string
  /** Milliseconds from the fault until everything that was closed is open; undefined where nothing had closed, or it was kept. */
  readonly openAfterMs: number | undefined
}

const countBy = (ends: readonly HitEnd[], name: (end: HitEnd) => string): string => {
  const names = [...new Set(ends.map(name))].sort()
  return names.map((one) => `${ends.filter((end) => name(end) === one).length} ${one}`).join(', ')
}

/** How long it took until everything was open, by fault. */
export const openingsTally = (ends: readonly HitEnd[]): string => {
  // A trial that confirm is to keep has the longer window, so its times stand by themselves.
  const longer = ends.filter(({ command }) => command.startsWith('confirm'))
  const usual = ends.filter((end) => !longer.includes(end))
  const names = [...new Set(usual.map(({ fault }) => fault))].sort()
  const groups = [
    ...names.map((name) => [name, usual.filter(({ fault }) => fault === name)] as const),
    ['all, with a window of 20 s', usual] as const,
    ...(longer.length === 0 ? [] : [['confirm, with a window of 90 s', longer] as const]),
  ]
  const rows = groups.map(([name, some]) => {
    const times = some.flatMap(({ openAfterMs }) => openAfterMs ?? []).sort((one, other) => one - other)
    const at = (share: number) => seconds(times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0)
    const figures = times.length === 0 ? 'nothing had closed' : `median ${at(0.5)}, nine of ten ${at(0.9)}, slowest ${at(1)}`
    return `  ${name.padEnd(54)} ${String(some.length).padStart(3)} runs, ${String(times.length).padStart(3)} that had closed: ${figures}`
  })
  return [
    'From the fault until everything was open, where something had closed:',
    ...rows,
    `Commands: ${countBy(ends, ({ command }) => command)}`,
    `Ends as status told them: ${countBy(ends, ({ standing }) => standing)}`,
  ].join('\n')
}

const line =
  /^(?:yes|NO ) +\d+\. (?<command>[^,]+), (?:[\d.]+ s )?after \d+ writes: (?<fault>.*?): (?:it had ended|struck)[^;]*; [^;]+; (?<standing>\w+)(?:; open (?<open>[\d.]+) s after)?/

/** The ends a transcript tells of. */
export const endsIn = (transcript: string): HitEnd[] =>
  transcript.split('\n').flatMap((text) => {
    const found = line.exec(text)?.groups
    if (found === undefined) return []
    const { command = '', fault = '', standing = '', open } = found
    return [{ command, fault, standing, openAfterMs: open === undefined ? undefined : Math.round(Number(open) * 1_000) }]
  })
