import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toolWrites } from '../cluster/audit.ts'
import type { Lab } from '../lab.ts'
import { pause, until } from '../machine/run.ts'
import { type Packet, type Seen, send } from '../packets/table.ts'
import { runTool, startTool, type ToolEnd, withSeconds } from '../tool.ts'
import { isOutsider } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'
import { proveRolledBack, remember } from './undone.ts'

const windowSeconds = 20
const home = fileURLToPath(new URL('../../../examples/home.yaml', import.meta.url))

/** The home file, SSH and the API of the nodes narrowed to these networks. */
const fileFor = (lab: Lab, name: string, from: readonly string[]): string => {
  const path = lab.state.at(`${name}.yaml`)
  const narrowing = `  narrowFailsafes:\n  - {ports: [{protocol: TCP, port: 22}, {protocol: TCP, port: ${lab.layout.api.port}}], from: [${from.join(', ')}]}\n`
  writeFileSync(path, `${readFileSync(home, 'utf8').trimEnd()}\n${narrowing}`)
  return path
}

/** SSH to every node and the API of the control plane, from a place. */
const doorsFrom = ({ layout }: Lab, from: string): Packet[] =>
  layout.nodes.flatMap(({ address: host, controlPlane }) =>
    [22, ...(controlPlane ? [layout.api.port] : [])].map((port) => ({ from, target: { protocol: 'tcp' as const, host, port } })),
  )

const answers = (seen: readonly Seen[]): string => [...new Set(seen.map(({ answer }) => answer))].join(', ')
const allAre = (seen: readonly Seen[], wanted: string): boolean => seen.every(({ answer }) => answer === wanted)

/** SSH and the API narrowed to two administrators; a list that leaves one of them out is refused where it is seen, and opens by itself where it is not. */
export const proveNarrowed = async (lab: Lab, page: Page): Promise<void> => {
  const before = await remember(lab)
  const both = fileFor(lab, 'admins', ['192.168.218.170/32', '192.168.218.53/32'])
  const one = fileFor(lab, 'one-admin', ['192.168.218.53/32'])
  // Nodes and pods are never cut; who stays outside the list is meant to be.
  const end = await keepingNodes(lab, page, () => runTool(lab, ['init', '-f', both, '--yes']))
  page.fact('init with SSH and the API narrowed to .170 and .53 exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  if (end.code !== 0) page.say(withSeconds(end))
  await proveDoors(lab, page, { adm: 'OPEN', win: 'OPEN', ws1: 'OPEN', 'app1-ws1': 'OPEN', inet: 'TIMEOUT' })
  await proveRolledBack(lab, page, before)

  const refused = await runTool(lab, ['init', '-f', one, '--yes'])
  const said = refused.lines.map(({ text }) => text).join(' ')
  page.fact(
    'a list that leaves the operator out is refused before any write',
    refused.code === 3 && said.includes('would cut the operator'),
    `exit ${refused.code}: ${/error: [^(]*/.exec(said)?.[0] ?? ''}`,
  )
  await proveOpensByItself(lab, page, one)
  await proveRolledBack(lab, page, before)
}

/** Another administrator, who is on the list, writes it and dies at the moment the last failsafe is narrow: the first one is out, and is let in by the gate. */
const proveOpensByItself = async (lab: Lab, page: Page, file: string): Promise<void> => {
  const run = startTool(lab, ['init', '-f', file, '--yes', '--window', `${windowSeconds}s`], { place: 'win' })
  // 7443/tcp becomes a failsafe; one worker's lists are made; everybody's get narrower.
  const written = () =>
    toolWrites(lab.state, run.began).filter(({ resource, dryRun, status }) => resource === 'felixconfigurations' && !dryRun && status < 300)
  await until('every failsafe to be narrow', async () => written().length >= 3, 180_000, 20)
  const killed = Date.now()
  run.signal('SIGKILL')
  await run.ended
  const cut = await until('the operator to be cut off', async () => allAre(await send(lab, doorsFrom(lab, 'adm'), 300), 'TIMEOUT'), 15_000, 100)
  page.fact(
    'the operator at .170 is cut off, SSH and API, with the client dead',
    cut.answer === true,
    `${seconds(Date.now() - killed)} after it was killed`,
  )
  const open = await until(
    'the operator to be let in',
    async () => allAre(await send(lab, doorsFrom(lab, 'adm'), 300), 'OPEN'),
    (windowSeconds + 30) * 1_000,
    100,
  )
  const took = Date.now() - killed
  page.fact(`it is let in again by itself within the window and 10 s`, open.answer === true && took <= (windowSeconds + 10) * 1_000, seconds(took))
  const status = await runTool(lab, ['status'])
  page.say(`\nWhat status says then (exit ${status.code}):\n${withSeconds(status)}\n`)
}

const keepingNodes = (lab: Lab, page: Page, work: () => Promise<ToolEnd>): Promise<ToolEnd> =>
  keepingLines(lab, page, { everyMs: 250, inFull: false, which: ({ from }) => !isOutsider(from) }, work)

const proveDoors = async (lab: Lab, page: Page, wanted: Readonly<Record<string, string>>): Promise<void> => {
  await pause(1_500)
  for (const [place, answer] of Object.entries(wanted)) {
    const seen = await send(lab, doorsFrom(lab, place))
    page.fact(`SSH and the API from ${place}: ${answer}`, allAre(seen, answer), `${seen.length} packets: ${answers(seen)}`)
  }
}
