import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toolWrites } from '../cluster/audit.ts'
import type { Lab } from '../lab.ts'
import { pause, until } from '../machine/run.ts'
import { ping, tcp } from '../packets/expect.ts'
import type { Answer } from '../packets/protocol.ts'
import { observe, type Packet, send } from '../packets/table.ts'
import { runTool, startTool, withSeconds } from '../tool.ts'
import { inBrief, isOutsider, mismatches } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'
import { proveRolledBack, remember } from './undone.ts'

const windowSeconds = 20
/** The exit code while another holds the lock. */
const busy = 7
const home = fileURLToPath(new URL('../../../examples/home.yaml', import.meta.url))
const web = '{name: web, to: {nets: [0.0.0.0/0]}, traffic: [{protocol: TCP, ports: [443]}]}'
const share = '{name: share, to: {nets: [192.168.218.53/32]}, traffic: [{protocol: TCP, ports: [445]}]}'

/** The home file with these egress entries. */
const fileFor = (lab: Lab, name: string, entries: readonly string[]): string => {
  const path = lab.state.at(`egress-${name}.yaml`)
  writeFileSync(path, `${readFileSync(home, 'utf8').trimEnd()}\n  egress: [${entries.join(', ')}]\n`)
  return path
}

/** What nodes and pods send to others than nodes, and which entry lets it out. Somebody listens there: a connection that is only refused is in no node's table. */
const sentOutside = ({ layout }: Lab): readonly { readonly packet: Packet; readonly entry: 'web' | 'share' | 'none' | 'pod' }[] => {
  const [client] = layout.neighbours.filter(({ name }) => name === 'win')
  if (client === undefined) throw new Error('the lab has no client .53')
  const { stranger } = layout
  return [
    ...layout.nodes.flatMap(({ name }) => [
      { packet: tcp(name, stranger.address, 443), entry: 'web' as const },
      { packet: tcp(name, client.address, 443), entry: 'web' as const },
      { packet: tcp(name, stranger.address, 80), entry: 'none' as const },
      { packet: tcp(name, client.address, 445), entry: 'share' as const },
      { packet: tcp(name, client.address, 80), entry: 'none' as const },
      { packet: ping(name, stranger.address), entry: 'pod' as const },
    ]),
    ...layout.pods.map(({ name }) => ({ packet: tcp(name, stranger.address, 80), entry: 'pod' as const })),
  ]
}

/** What nodes live on: the API by its addresses, VIP and Service, kubelets, pods on other nodes, Services of pods. */
const livedOn = ({ layout }: Lab): Packet[] =>
  layout.nodes.flatMap(({ name }) => [
    ...layout.nodes.filter((node) => node.name !== name).map(({ address }) => tcp(name, address, 10250)),
    ...layout.nodes.filter((node) => node.controlPlane && node.name !== name).map(({ address }) => tcp(name, address, layout.api.port)),
    tcp(name, layout.api.vip, layout.api.vipPort),
    tcp(name, layout.apiServiceAddress, 443),
    tcp(name, layout.clusterIps.cluster, 80),
    ...layout.pods.map(({ address }) => tcp(name, address, 80)),
  ])

/** An allowlist is tried with the whole firewall, grows at once, is tried again where it narrows, opens by itself with the client dead, and goes with the rollback. */
export const proveLimitedEgress = (lab: Lab, page: Page): Promise<void> =>
  provingOutside(
    lab,
    page,
    () => proveListed(lab, page, ['init', 'apply', 'narrower', 'empty']),
    () => proveOpensByItself(lab, page),
    () => proveConfirmed(lab, page),
  )

/** A trial whose client died is kept by `confirm`, whole, and goes with the rollback. */
export const proveListConfirmed = (lab: Lab, page: Page): Promise<void> => provingOutside(lab, page, () => proveConfirmed(lab, page))

/** Its first half: as much as fits into the time of one test of the lane. */
export const proveEgressList = (lab: Lab, page: Page): Promise<void> => provingOutside(lab, page, () => proveListed(lab, page, ['init', 'apply']))

/** Proves with listeners outside, which are gone when it is over, and takes every proof back. */
const provingOutside = async (lab: Lab, page: Page, ...proofs: readonly (() => Promise<void>)[]): Promise<void> => {
  const before = await remember(lab)
  const outside = [...[80, 443].map((port) => ['inet', port] as const), ...[80, 443, 445].map((port) => ['win', port] as const)]
  const opened: (typeof outside)[number][] = []
  try {
    for (const one of outside) {
      await lab.agent(one[0]).listen('tcp', one[1])
      opened.push(one)
    }
    for (const proof of proofs) {
      await proof()
      await proveRolledBack(lab, page, before)
    }
  } finally {
    for (const [place, port] of opened) await lab.agent(place).close('tcp', port)
  }
}

const lists = {
  init: ['init', 'web', [web]],
  apply: ['apply', 'web and share', [web, share]],
  narrower: ['apply', 'share', [share]],
  empty: ['apply', 'nothing', []],
} as const

const proveListed = async (lab: Lab, page: Page, steps: readonly (keyof typeof lists)[]): Promise<void> => {
  await proveAudited(lab, page)
  for (const step of steps) {
    const [verb, name, entries] = lists[step]
    const file = fileFor(lab, name.replaceAll(' ', '-'), entries)
    const end = await keepingLines(lab, page, { everyMs: 250, inFull: false, which: ({ from }) => !isOutsider(from) }, () =>
      runTool(lab, [verb, '-f', file, '--yes']),
    )
    page.fact(`${verb} with egress of ${name} exits 0`, end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
    if (end.code !== 0) page.say(withSeconds(end))
    await proveSent(lab, page, name.split(' '))
  }
}

/** Before anything is closed `audit` names what the list would cut, and nothing that it lets out. */
const proveAudited = async (lab: Lab, page: Page): Promise<void> => {
  const run = startTool(lab, ['audit', '-f', fileFor(lab, 'web', [web]), '--for', '10s', '-o', 'json'])
  const sent = sentOutside(lab)
  const ends = Date.now() + 10_000
  while (Date.now() < ends) {
    await send(
      lab,
      sent.map(({ packet }) => packet),
    )
    await pause(1_000)
  }
  const end = await run.ended
  const text = end.lines.flatMap((line) => (line.stream === 'stdout' ? [line.text] : [])).join('\n')
  const { cut = [], sent: begun = 0 } = JSON.parse(text) as { cut?: { source: string; destination: string; port: number }[]; sent?: number }
  const addresses = new Map(lab.layout.nodes.map(({ name, address }) => [name, address]))
  const own = new Set(addresses.values())
  const named = new Set(cut.filter(({ source }) => own.has(source)).map(({ source, destination, port }) => `${source} ${destination} ${port}`))
  const expected = sent.flatMap(({ packet: { from, target }, entry }) =>
    'port' in target && entry !== 'web' && entry !== 'pod' ? [`${addresses.get(from)} ${target.host} ${target.port}`] : [],
  )
  const wrong = [...expected.filter((one) => !named.has(one)), ...[...named].filter((one) => !expected.includes(one))]
  page.fact(
    'audit names every connection of a node that the list would cut, and no other',
    wrong.length === 0,
    wrong.length === 0 ? `${named.size} kinds of ${begun} connections that nodes began` : inBrief(wrong),
  )
}

const proveSent = async (lab: Lab, page: Page, names: readonly string[]): Promise<void> => {
  const sent = sentOutside(lab)
  const wanted = (packet: Packet): Answer => {
    const entry = sent.find((one) => one.packet === packet)?.entry ?? 'pod'
    return entry === 'pod' || names.includes(entry) ? 'OPEN' : 'TIMEOUT'
  }
  const packets = [...sent.map(({ packet }) => packet), ...livedOn(lab)]
  const answers = new Map(packets.map((packet) => [JSON.stringify(packet), wanted(packet)]))
  const seen = await observe(lab, packets)
  const wrong = mismatches(seen, ({ from, target }) => answers.get(JSON.stringify({ from, target })) ?? 'OPEN')
  page.fact(
    `nodes send outside what the file lets out and pings, pods as before; nodes reach the API, kubelets, pods and Services`,
    wrong.length === 0,
    wrong.length === 0 ? `${seen.length} packets` : inBrief(wrong),
  )
}

/** Begins to close, and dies when every HostEndpoint is written; the moment of that. */
const killedWhenClosed = async (lab: Lab, seconds: number): Promise<number> => {
  const run = startTool(lab, ['init', '-f', fileFor(lab, 'web', [web]), '--yes', '--window', `${seconds}s`])
  const closes = () =>
    toolWrites(lab.state, run.began).filter(({ resource, dryRun, status }) => resource === 'hostendpoints' && !dryRun && status < 300)
  await until('every HostEndpoint to be written', async () => closes().length >= lab.layout.nodes.length, 180_000, 20)
  const killed = Date.now()
  run.signal('SIGKILL')
  await run.ended
  return killed
}

/** Another client waits until the dead one's lock may be taken, and keeps what it left: with the deadline read from the cluster, and the list written. */
const proveConfirmed = async (lab: Lab, page: Page): Promise<void> => {
  const killed = await killedWhenClosed(lab, 90)
  for (;;) {
    const end = await runTool(lab, ['confirm', '--yes', '--take-over'], { place: 'win' })
    if (end.code === busy && Date.now() - killed < 60_000) {
      await pause(2_000)
      continue
    }
    page.fact(
      'confirm from another machine keeps it',
      end.code === 0,
      `exit ${end.code}, ${seconds(Date.now() - killed)} after the first client was killed`,
    )
    if (end.code !== 0) page.say(withSeconds(end))
    break
  }
  await proveSent(lab, page, ['web'])
  const status = await runTool(lab, ['status'])
  page.fact('status says that it is kept, and exits 0', status.code === 0, `exit ${status.code}`)
}

/** The client dies when everything is closed: what nodes send is let out by the gate. */
const proveOpensByItself = async (lab: Lab, page: Page): Promise<void> => {
  const killed = await killedWhenClosed(lab, windowSeconds)
  const closed = sentOutside(lab).flatMap(({ packet, entry }) => (entry === 'none' ? [packet] : []))
  const allAre = async (answer: Answer) => (await send(lab, closed, 300)).every((one) => one.answer === answer)
  const cut = await until('what is not on the list to be cut', () => allAre('TIMEOUT'), 15_000, 100)
  page.fact(
    'with the client dead, what is not on the list is cut on every node',
    cut.answer === true,
    `${seconds(Date.now() - killed)} after it was killed`,
  )
  const open = await until('everything to leave', () => allAre('OPEN'), (windowSeconds + 30) * 1_000, 100)
  const took = Date.now() - killed
  page.fact('it leaves again by itself within the window and 10 s', open.answer === true && took <= (windowSeconds + 10) * 1_000, seconds(took))
}
