import { random } from '../../fixtures/random.ts'
import { toolWrites } from '../cluster/audit.ts'
import { differences, type Snapshot, snapshot } from '../cluster/snapshot.ts'
import type { Lab } from '../lab.ts'
import { pause, until } from '../machine/run.ts'
import { tooLong } from '../packets/cuts.ts'
import type { LifeLine } from '../packets/life-lines.ts'
import { watchLifeLines } from '../packets/life-lines.ts'
import { startTool, type ToolRun, tail } from '../tool.ts'
import { type Drawn, draw } from './drawn-runs.ts'
import { findStanding, misread, unexplained } from './explained.ts'
import { inBrief } from './home-answers.ts'
import { type OpeningWatch, watchOpening } from './opening.ts'
import { type HitEnd, openingsTally } from './openings-tally.ts'
import { type Page, seconds } from './page.ts'
import { rollBack } from './undone.ts'

const graceMs = 5_000
/** A way in that is silent for longer than this is cut. */
const cutMs = 2_000

/** Lines that no run may cut, whatever hits it: to get in and to put right. What the fault itself cuts is not asked. */
const wayIn = ({ layout }: Lab): LifeLine[] => {
  const [first, ...others] = layout.nodes
  if (first === undefined) return []
  return [
    ...layout.nodes.map(({ address: host }): LifeLine => ({ from: 'win', target: { protocol: 'tcp', host, port: 22 } })),
    ...others.map(({ name }): LifeLine => ({ from: name, target: { protocol: 'tcp', host: first.address, port: 10250 } })),
  ]
}

/** How many runs, from which numbers, and how long at most; a run that has begun is ended. */
export interface RandomRuns {
  readonly seed: number
  readonly runs: number
  readonly minutes: number
}

/** Runs of the product, each hit by one fault at one moment, all drawn from a seed: nobody stays locked out, nothing is left, and status explains each end. */
export const proveRandomFaults = async (lab: Lab, page: Page, { seed, runs, minutes }: RandomRuns): Promise<void> => {
  const next = random(seed)
  const before = await snapshot(lab.api)
  const opening = await watchOpening(lab)
  const ends: HitEnd[] = []
  const began = Date.now()
  let run = 0
  try {
    while (run < runs && Date.now() - began < minutes * 60_000) {
      const drawn = draw(next, lab.variant.flavour)
      const delay = drawn.delayMs === 0 ? '' : `${seconds(drawn.delayMs)} `
      const title = `${++run}. ${drawn.command.name}, ${delay}after ${drawn.after} writes: ${drawn.fault.name}`
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
  if (run < runs) page.say(`${minutes} minutes were over after ${run} runs`)
  page.say(`\n${openingsTally(ends)}`)
}

const oneRun = async (
  lab: Lab,
  page: Page,
  title: string,
  { drawn, opening, before }: { drawn: Drawn; opening: OpeningWatch; before: Snapshot },
): Promise<HitEnd> => {
  const { command, fault } = drawn
  const limitMs = command.windowSeconds * 1_000 + graceMs
  await command.before(lab)
  const guarded = await watchLifeLines(lab, wayIn(lab), { everyMs: 250, timeoutMs: 1_000 })
  const run = startTool(lab, command.args)
  const struck = await strikeAt(lab, run, drawn)
  if (!fault.alone) await run.ended
  const from = fault.alone && struck !== undefined ? struck.at : Date.now()
  // Of a client that is gone, status must tell the truth at once, too.
  const isGone = await Promise.race([run.ended.then(() => true), pause(300).then(() => false)])
  const atOnce = fault.alone && isGone ? await misread(lab) : []
  // Whoever was not hit, or lived with it, and said that the firewall is kept need not be waited for.
  const isKept = (struck === undefined || !fault.alone) && (await run.ended).code === 0 && (await findStanding(lab)).standing === 'kept'
  // What was written last may not have closed yet, and a gate that holds nothing closed yet is a gate: it must go by itself, too.
  if (!isKept) await noTrial(lab, from + limitMs)
  const openFrom = isKept ? undefined : await opening.openFrom(from, from + limitMs)
  // A client that was hit before it opened anything leaves what it found: a firewall that is kept is no lock-out.
  const meanwhile = openFrom === undefined && !isKept ? await findStanding(lab).catch(() => undefined) : undefined
  const wasClosed = command.onClosed || opening.firstLoss(run.began) !== undefined
  await struck?.heal()
  const end = await run.ended
  const { found, faults } = await unexplained(lab)
  const isOpen = openFrom !== undefined && openFrom - from <= limitMs
  const cuts = tooLong(await guarded.stop(), cutMs)
  const undone = await rollBack(lab)
  const left = await leftOf(lab, before)
  const problems = [
    ...(found.standing === 'trial' ? ['still on trial after the window'] : []),
    ...(found.standing === 'kept' || meanwhile?.standing === 'kept' || isOpen ? [] : [`not open ${seconds(limitMs)} after`]),
    ...atOnce,
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
  return { command: command.name, fault: fault.name, standing: found.standing, openAfterMs }
}

/** Waits until no gate is armed, or for the last moment at which one may be. */
const noTrial = async (lab: Lab, deadline: number): Promise<void> => {
  const isOver = async () => (await findStanding(lab)).standing !== 'trial'
  while (Date.now() < deadline && !(await isOver().catch(() => false))) await pause(500)
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
const strikeAt = async (lab: Lab, run: ToolRun, { fault, after, delayMs }: Drawn): Promise<{ at: number; heal: () => Promise<void> } | undefined> => {
  let over = false
  void run.ended.then(() => {
    over = true
  })
  await until('the moment to strike', async () => over || toolWrites(lab.state, run.began).length >= after, 240_000, 40)
  if (!over) await Promise.race([pause(delayMs), run.ended])
  if (over) return undefined
  const at = Date.now()
  const heal = await fault.strike(lab, run)
  return { at, heal }
}
