import type { Lab } from '../lab.ts'
import { pause } from '../machine/run.ts'
import { homePackets, observe, type Packet, type Seen, send } from '../packets/table.ts'
import { startTool, type ToolEnd, tail } from '../tool.ts'
import { inBrief } from './home-answers.ts'
import { initHome } from './home-init.ts'
import { type Page, seconds } from './page.ts'

interface Reported {
  readonly source: string
  readonly destination: string
  readonly port: number
  readonly connections: number
}

const watchSeconds = 20

/** The home cluster's packets, and where it has both families the same to the nodes' second one. */
const packetsOf = ({ layout }: Lab): Packet[] => {
  const four = homePackets(layout)
  const six = new Map(layout.nodes.flatMap(({ address, address6 }) => (address6 === undefined ? [] : [[address, address6] as const])))
  return [
    ...four,
    ...four.flatMap(({ from, target }): Packet[] => {
      const host = six.get(target.host)
      return host === undefined ? [] : [{ from, target: { ...target, host } as Packet['target'] }]
    }),
  ]
}

/** Where a place's packets come from, in the family of what they are sent to. */
const addressOf = ({ layout }: Lab, place: string, destination: string): string | undefined => {
  const host = [...layout.neighbours, layout.stranger, ...layout.nodes, ...layout.pods].find(({ name }) => name === place)
  return destination.includes(':') ? host?.address6 : host?.address
}

/** `audit` watches clients at work; then the firewall is really made, and the same clients call again. */
export const proveAudited = async (lab: Lab, page: Page): Promise<void> => {
  const packets = packetsOf(lab)
  const before = await observe(lab, packets)
  const run = startTool(lab, ['audit', '-f', 'examples/home.yaml', '--for', `${watchSeconds}s`, '-o', 'json'])
  const until = Date.now() + watchSeconds * 1_000
  let attempts = 0
  while (Date.now() < until) {
    attempts += (await send(lab, packets)).length
    await pause(1_000)
  }
  const end = await run.ended
  const { cut, seen, kept, unknown } = resultOf(end)
  page.fact('audit exits 1: some connections would be cut', end.code === 1, end.code === 1 ? `${seconds(end.ended - end.began)}` : tail(end.lines))
  const connections = cut.reduce((sum, one) => sum + one.connections, 0)
  page.fact(
    'at least a thousand connections were seen',
    seen >= 1_000,
    `${attempts} attempts; ${seen} came in on the nodes, ${connections} of them would be cut, ${kept} kept, ${unknown.length} kinds unknown`,
  )

  const made = await initHome(lab)
  const after = await observe(lab, packets)
  const keyOf = (source: string, destination: string, port: number): string => `${source} -> ${destination}:${port}`
  const reported = new Set(cut.map(({ source, destination, port }) => keyOf(source, destination, port)))
  const keys = (some: readonly Seen[]): string[] =>
    some.flatMap(({ from, target }) => {
      const source = addressOf(lab, from, target.host)
      return source === undefined || !('port' in target) ? [] : [keyOf(source, target.host, target.port)]
    })
  const lost = keys(after.filter(({ answer }, at) => answer === 'TIMEOUT' && before[at]?.answer === 'OPEN'))
  const stays = new Set(keys(after.filter(({ answer }) => answer === 'OPEN')))
  const missed = lost.filter((key) => !reported.has(key))
  const wrong = [...reported].filter((key) => stays.has(key))
  page.fact('init with the same file exits 0', made.code === 0)
  page.fact(
    'every flow that was cut then had been reported',
    missed.length === 0 && lost.length > 0,
    inBrief(missed) || `${lost.length} flows, ${lost.filter((key) => key.includes('[') || key.split(':').length > 3).length} of them IPv6`,
  )
  page.fact('no flow that was reported is kept', wrong.length === 0, inBrief(wrong) || `${reported.size} kinds reported`)
}

const resultOf = ({ lines }: ToolEnd): { cut: Reported[]; unknown: unknown[]; seen: number; kept: number } =>
  JSON.parse(
    lines
      .filter(({ stream }) => stream === 'stdout')
      .map(({ text }) => text)
      .join('\n'),
  ) as { cut: Reported[]; unknown: unknown[]; seen: number; kept: number }
