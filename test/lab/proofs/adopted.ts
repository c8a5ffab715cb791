import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toolWrites } from '../cluster/audit.ts'
import { calicoApiVersion } from '../cluster/crds.ts'
import { differences, snapshot } from '../cluster/snapshot.ts'
import { write } from '../firewall.ts'
import type { Lab } from '../lab.ts'
import { pause, until } from '../machine/run.ts'
import { allLifeLines, type LifeLine, lineId, watchLifeLines } from '../packets/life-lines.ts'
import type { Answer, Sample } from '../packets/protocol.ts'
import { formatPacket, homePackets, observe, type Packet, renderTable, type Seen, send } from '../packets/table.ts'
import { runTool, startTool, type ToolEnd, withSeconds } from '../tool.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../tutorial.ts'
import { inBrief, isOutsider } from './home-answers.ts'
import { type Page, seconds } from './page.ts'
import { rollBack } from './undone.ts'

const windowSeconds = 20
const home = fileURLToPath(new URL('../../../examples/home.yaml', import.meta.url))

/** Every packet of the home cluster, and pings from outside. */
const packetsOf = (lab: Lab): Packet[] => [
  ...homePackets(lab.layout),
  ...lab.layout.nodes.map(({ address: host }): Packet => ({ from: 'win', target: { protocol: 'icmp', host } })),
]
const isPing = ({ target }: Packet): boolean => target.protocol === 'icmp'

/** What is sent again and again while something is done: outsiders to every port, and every life line. */
const watchedLines = (lab: Lab): LifeLine[] => [
  ...allLifeLines(lab),
  ...homePackets(lab.layout).filter(({ from, target }) => (from === 'win' || from === 'inet') && target.protocol === 'tcp' && target.port !== 22),
]

/** The tutorial's firewall, taken over: nothing opens that was closed, nothing closes that was open but for what is listed; and back. */
export const proveAdopted = async (lab: Lab, page: Page): Promise<void> => {
  for (const object of [...tutorialPolicies(lab.layout, lab.variant), ...tutorialHostEndpoints(lab.layout, lab.variant)]) await write(lab, object)
  await pause(2_000)
  const before = await observe(lab, packetsOf(lab))
  const found = { objects: await snapshot(lab.api), theirs: await theirsIn(lab) }
  page.say(`Before: the tutorial's firewall\n${renderTable(before.filter((one) => !isPing(one)))}`)
  page.fact(
    'the tutorial has closed the nodes to outsiders',
    before.some(({ answer }) => answer === 'TIMEOUT'),
    counted(before),
  )

  const end = await watching(lab, page, 'adopt', before, () => runTool(lab, ['adopt', '--yes']))
  page.fact('adopt --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  page.say(`\n${withSeconds(end)}\n`)
  const after = await observe(lab, packetsOf(lab))
  const differing = after.filter((one, at) => one.answer !== before[at]?.answer)
  page.fact(
    'after it every packet fares as before, but for the pings it lists',
    differing.every(isPing) && differing.length === lab.layout.nodes.length,
    brief(differing),
  )
  page.fact('nothing of theirs is left', (await theirsIn(lab)).length === 0)
  const status = await runTool(lab, ['status'])
  page.fact('status exits 0', status.code === 0, `exit ${status.code}`)
  await proveBack(lab, page, before, found, openedFirst)

  const other = startTool(lab, ['adopt', '-f', otherFile(lab), '--yes', '--window', `${windowSeconds}s`])
  const written = () => toolWrites(lab.state, other.began).filter(({ resource }) => resource === 'hostendpoints')
  await until('ours to stand before all of theirs', async () => written().length >= lab.layout.nodes.length, 180_000, 20)
  other.signal('SIGKILL')
  const killed = Date.now()
  await other.ended
  const ingress: Packet[] = [80, 443].map((port) => ({ from: 'win', target: { protocol: 'tcp', host: lab.layout.loadBalancer, port } }))
  const shut = await until('the ingress to close', async () => all(await send(lab, ingress, 300), 'TIMEOUT'), 10_000, 100)
  page.fact(
    'another file, which closes the ingress, is on trial, and its client dead',
    shut.answer === true,
    `${seconds(Date.now() - killed)} after it was killed`,
  )
  const open = await until('the ingress to open', async () => all(await send(lab, ingress, 300), 'OPEN'), (windowSeconds + 30) * 1_000, 100)
  const took = Date.now() - killed
  page.fact(
    'within the window and 10 s their firewall is in force again',
    open.answer === true && took <= (windowSeconds + 10) * 1_000,
    seconds(took),
  )
  const lapsed = await observe(lab, packetsOf(lab))
  const odd = lapsed.filter((one, at) => one.answer !== before[at]?.answer)
  page.fact(
    'all of it: no packet fares otherwise, but pings and the NodePort the file opens',
    odd.every((one) => isPing(one) || opens(lab, one)),
    brief(odd),
  )
  await proveBack(lab, page, before, found, openedByFile(lab))
}

/** The ingress closed, and a NodePort opened to one client. */
const otherFile = (lab: Lab): string => {
  const path = lab.state.at('other.yaml')
  const text = readFileSync(home, 'utf8')
    .replace(/^ {2}- \{name: ingress.*\n/m, '')
    .replace(
      /^ {2}# a NodePort.*\n/m,
      `  - {name: app1, to: {nodes: true}, from: {nets: [192.168.218.53/32]}, traffic: [{protocol: TCP, ports: [${lab.layout.nodePorts.cluster}]}]}\n`,
    )
  writeFileSync(path, text)
  return path
}
const opens = (lab: Lab, { from, target, answer }: Seen): boolean =>
  from === 'win' && target.protocol === 'tcp' && target.port === lab.layout.nodePorts.cluster && answer === 'OPEN'

const proveBack = async (
  lab: Lab,
  page: Page,
  before: readonly Seen[],
  found: { objects: Awaited<ReturnType<typeof snapshot>>; theirs: readonly string[] },
  but: Expected,
) => {
  const end = await watching(lab, page, 'rollback', before, async () => (await rollBack(lab)).end, but)
  page.fact('rollback --to 0 --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  if (end.code !== 0) page.say(withSeconds(end))
  const after = await observe(lab, packetsOf(lab))
  const differing = after.filter((one, at) => one.answer !== before[at]?.answer)
  page.fact('every packet fares as under the tutorial', differing.length === 0, differing.length === 0 ? `${after.length} packets` : brief(differing))
  const theirs = await theirsIn(lab)
  page.fact(
    'their HostEndpoints and policies are there again, labels and specs as they were',
    JSON.stringify(theirs) === JSON.stringify(found.theirs),
    `${theirs.length} objects`,
  )
  const others = differences(found.objects, await snapshot(lab.api)).filter(
    (line) => !theirs.some((one) => line.includes(` ${one.split(' ').slice(0, 2).join(' ')}`)),
  )
  page.fact('every other object of the cluster is as it was', others.length === 0, inBrief(others, 8))
}

const theirsIn = async (lab: Lab): Promise<string[]> => {
  const lists = await Promise.all(
    ['hostendpoints', 'globalnetworkpolicies'].map(
      async (plural) =>
        (await lab.api.request('GET', `/apis/${calicoApiVersion(lab.variant.flavour)}/${plural}`)).body as { kind: string; items: Item[] },
    ),
  )
  return lists
    .flatMap(({ kind, items }) => items.map((item) => ({ ...item, kind: kind.replace(/List$/, '') })))
    .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by'] !== 'calico-fw')
    .map(({ kind, metadata, spec }) => `${kind} ${metadata.name} ${JSON.stringify([metadata.labels, spec], sorted)}`)
    .sort()
}
interface Item {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> }
  readonly spec: unknown
}
const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value

type Expected = (sample: Sample) => boolean
/** A rollback of what was kept opens first, as all of them do. */
const openedFirst: Expected = ({ answer }) => answer === 'OPEN'
/** One of what was not kept gives way, and opens nothing; the NodePort is open when it begins. */
const openedByFile =
  ({ layout }: Lab): Expected =>
  ({ id, answer }) =>
    answer === 'OPEN' && id.startsWith('win') && id.endsWith(`:${layout.nodePorts.cluster}`)

/** Does something under fresh connections every 200 ms; a line that ever fares otherwise than before, and than expected, is told. */
const watching = async (
  lab: Lab,
  page: Page,
  what: string,
  before: readonly Seen[],
  work: () => Promise<ToolEnd>,
  but: Expected = () => false,
): Promise<ToolEnd> => {
  const was = new Map(before.map((one) => [formatPacket(one), one.answer]))
  const lines = watchedLines(lab)
  const watch = await watchLifeLines(lab, lines, { everyMs: 200, timeoutMs: 900 })
  const end = await work()
  const { samples } = await watch.stop()
  const wanted = new Map<string, Answer>(lines.map((line) => [lineId(line), was.get(lineId(line)) ?? 'OPEN']))
  const otherwise = samples.filter((sample) => sample.answer !== wanted.get(sample.id) && !but(sample))
  page.fact(
    `${what}: ${but === openedFirst ? 'nothing that was open closes at any moment' : 'nothing opens that was closed, and nothing closes that was open, at any moment'}`,
    otherwise.length === 0,
    `${lines.length} lines, ${samples.length} fresh connections, ${otherwise.length} otherwise${otherwise.length === 0 ? '' : `: ${inBrief([...new Set(otherwise.map(({ id, answer, started }) => `${id} ${answer} at ${seconds(started - end.began)}`))])}`}`,
  )
  return end
}

const all = (seen: readonly Seen[], answer: Answer): boolean => seen.every((one) => one.answer === answer)
const counted = (seen: readonly Seen[]): string =>
  `${seen.length} packets, ${seen.filter(({ from, answer }) => isOutsider(from) && answer === 'TIMEOUT').length} of outsiders shut out`
const brief = (seen: readonly Seen[]): string => inBrief(seen.map((one) => `${formatPacket(one)} ${one.answer}`))
