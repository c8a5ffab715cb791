import { toolWrites } from '../cluster/audit.ts'
import { differences, type Snapshot, snapshot } from '../cluster/snapshot.ts'
import type { Lab } from '../lab.ts'
import { pause, until } from '../machine/run.ts'
import { tooLong } from '../packets/cuts.ts'
import type { LifeLine } from '../packets/life-lines.ts'
import { watchLifeLines } from '../packets/life-lines.ts'
import { startTool, type ToolRun, tail } from '../tool.ts'
import { unexplained } from './explained.ts'
import { type Fault, faultMenu } from './fault-menu.ts'
import { inBrief } from './home-answers.ts'
import { initHome } from './home-init.ts'
import { type OpeningWatch, watchOpening } from './opening.ts'
import { type Page, seconds } from './page.ts'
import { rollBack } from './undone.ts'

const windowSeconds = 20
const graceMs = 5_000
const limitMs = windowSeconds * 1000 + graceMs
/** A way in that is silent for longer than this is cut. */
const cutMs = 2_000

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
const random = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const commands = {
  init: ['init', '-f', 'examples/home.yaml', '--yes', '--window', `${windowSeconds}s`],
  'rollback to 0': ['rollback', '--to', '0', '--yes'],
} as const
/** Writes of one undisturbed run, about; a moment after the last one hits nobody, and that is a run too. */
const writesOf = { init: 46, 'rollback to 0': 22 } as const

/** One run, as the seed has it. */
interface Drawn {
  readonly command: keyof typeof commands
  readonly fault: Fault
  /** Strikes when the API server has answered this many writes of the product. */
  readonly after: number
}

const draw = (next: () => number, flavour: Lab['variant']['flavour']): Drawn => {
  const menu = faultMenu.filter(({ only = flavour }) => only === flavour)
  const shares = menu.flatMap((fault) => Array<Fault>(fault.share).fill(fault))
  const fault = shares[Math.floor(next() * shares.length)]
  const command = next() < 0.85 ? 'init' : 'rollback to 0'
  if (fault === undefined) throw new Error('no faults')
  return { command, fault, after: 1 + Math.floor(next() * writesOf[command]) }
}

/** How one run ended. */
interface Ended {
  readonly drawn: Drawn
  readonly standing: string
  /** Milliseconds from the fault until everything that was closed is open; undefined where nothing had closed, or it was kept. */
  readonly openAfterMs: number | undefined
}

/** Lines that no run may cut, whatever hits it: to get in and to put right. What the fault itself cuts is not asked. */
const wayIn = ({ layout }: Lab): LifeLine[] => {
  const [first, ...others] = layout.nodes
  if (first === undefined) return []
  return [
    ...layout.nodes.map(({ address: host }): LifeLine => ({ from: 'win', target: { protocol: 'tcp', host, port: 22 } })),
    ...others.map(({ name }): LifeLine => ({ from: name, target: { protocol: 'tcp', host: first.address, port: 10250 } })),
  ]
}

/** Runs of the product, each hit by one fault at one moment, all drawn from a seed: nobody stays locked out, nothing is left, and status explains each end. */
export const proveRandomFaults = async (lab: Lab, page: Page, { seed, runs }: { seed: number; runs: number }): Promise<void> => {
  const next = random(seed)
  const before = await snapshot(lab.api)
  const opening = await watchOpening(lab)
  const ends: Ended[] = []
  try {
    for (let run = 1; run <= runs; run++) {
      const drawn = draw(next, lab.variant.flavour)
      const title = `${run}. ${drawn.command}, after ${drawn.after} writes: ${drawn.fault.name}`
      try {
        ends.push(await oneRun(lab, page, title, { drawn, opening, before }))
      } catch (error) {
        page.fact(title, false, error instanceof Error ? (error.stack ?? error.message) : String(error))
        await rollBack(lab)
      }
    }
  } finally {
    await opening.stop()
  }
  distribution(page, ends)
}

const oneRun = async (
  lab: Lab,
  page: Page,
  title: string,
  { drawn, opening, before }: { drawn: Drawn; opening: OpeningWatch; before: Snapshot },
): Promise<Ended> => {
  const { command, fault, after } = drawn
  if (command !== 'init') await initHome(lab, '--window', `${windowSeconds}s`)
  const guarded = await watchLifeLines(lab, wayIn(lab), { everyMs: 250, timeoutMs: 1_000 })
  const run = startTool(lab, commands[command])
  const struck = await strikeAt(lab, run, fault, after)
  const wasClosed = command !== 'init' || opening.firstLoss(run.began) !== undefined
  if (!fault.alone) await run.ended
  const ended = Date.now()
  const from = fault.alone && struck !== undefined ? struck.at : ended
  const openFrom = await opening.openFrom(from, from + limitMs)
  await struck?.heal()
  const end = await run.ended
  const { found, faults } = await unexplained(lab)
  const isOpen = openFrom !== undefined && openFrom - from <= limitMs
  const cuts = tooLong(await guarded.stop(), cutMs)
  const undone = await rollBack(lab)
  const left = await leftOf(lab, before)
  const problems = [
    ...(found.standing === 'trial' ? ['still on trial after the window'] : []),
    ...(found.standing === 'kept' || isOpen ? [] : [`not open ${seconds(limitMs)} after`]),
    ...faults,
    ...(cuts.length === 0 ? [] : [`ways in were cut: ${inBrief(cuts.map(({ id }) => id))}`]),
    ...(undone.end.code === 0 ? [] : [`rollback exits ${undone.end.code}:\n${tail(undone.end.lines, 20)}`]),
    ...(left.length === 0 ? [] : [`left: ${inBrief(left, 12)}`]),
  ]
  const openAfterMs = found.standing !== 'kept' && isOpen && wasClosed ? openFrom - from : undefined
  const figures = [
    struck === undefined ? 'it had ended before' : `struck ${seconds(struck.at - run.began)} into the run`,
    end.code === null ? 'no exit' : `exit ${end.code}`,
    found.standing,
    openAfterMs === undefined ? undefined : `open ${seconds(openAfterMs)} after`,
    ...problems,
    ...(problems.length === 0 ? [] : [`the run's last lines:\n${tail(end.lines, 16)}`]),
  ]
  page.fact(title, problems.length === 0, figures.filter((one) => one !== undefined).join('; '))
  return { drawn, standing: found.standing, openAfterMs }
}

/** What is not as before; a namespace takes its seconds to go. */
const leftOf = async (lab: Lab, before: Snapshot): Promise<string[]> => {
  const deadline = Date.now() + 20_000
  for (;;) {
    const left = differences(before, await snapshot(lab.api))
    if (left.length === 0 || Date.now() > deadline) return left
    await pause(500)
  }
}

/** Strikes at the moment; undefined where the run ended before it. */
const strikeAt = async (lab: Lab, run: ToolRun, fault: Fault, after: number): Promise<{ at: number; heal: () => Promise<void> } | undefined> => {
  let over = false
  void run.ended.then(() => {
    over = true
  })
  await until('the moment to strike', async () => over || toolWrites(lab.state, run.began).length >= after, 240_000, 40)
  if (over) return undefined
  const at = Date.now()
  const heal = await fault.strike(lab, run)
  return { at, heal }
}

const distribution = (page: Page, ends: readonly Ended[]): void => {
  page.say('\nFrom the fault until everything was open, where something had closed:')
  const names = [...new Set(ends.map(({ drawn }) => drawn.fault.name))].sort()
  for (const name of [...names, 'all']) {
    const some = ends.filter(({ drawn }) => name === 'all' || drawn.fault.name === name)
    const times = some.flatMap(({ openAfterMs }) => openAfterMs ?? []).sort((one, other) => one - other)
    const at = (share: number) => seconds(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0)
    const figures = times.length === 0 ? 'nothing had closed' : `median ${at(0.5)}, nine of ten ${at(0.9)}, slowest ${at(1)}`
    page.say(`  ${name.padEnd(54)} ${String(some.length).padStart(3)} runs, ${String(times.length).padStart(3)} that had closed: ${figures}`)
  }
  const standings = [...new Set(ends.map(({ standing }) => standing))].sort()
  page.say(`Ends as status told them: ${standings.map((one) => `${ends.filter(({ standing }) => standing === one).length} ${one}`).join(', ')}`)
}
