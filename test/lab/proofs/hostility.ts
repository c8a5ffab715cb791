import type { LabObject, LabRef } from '../cluster/api.ts'
import { formatWrite, toolWrites } from '../cluster/audit.ts'
import { differences, snapshot } from '../cluster/snapshot.ts'
import type { Lab } from '../lab.ts'
import { watchLifeLines } from '../packets/life-lines.ts'
import { runTool, startTool, type ToolEnd, tail, withSeconds } from '../tool.ts'
import { inBrief } from './home-answers.ts'
import { denyEverything, type Hostile, hostiles, isOpening, noFailsafes } from './hostile-policies.ts'
import { type Page, seconds } from './page.ts'
import { type Before, proveAllOpen, proveRolledBack, remember } from './undone.ts'

/** How long after the first red probe everything must be open again. */
const boundMs = 3_000

const init = ['init', '-f', 'examples/home.yaml', '--yes'] as const

/** What is hostile from the start is refused by name; what comes later, or cuts the operator, opens the cluster again. */
export const proveHostility = async (lab: Lab, page: Page): Promise<void> => {
  await proveRefusals(lab, page)
  await planted(lab, page)
  await plantedWhileClosed(lab, page)
  await proveOperatorCut(lab, page, true)
}

/** Every hostile object there is before the run is refused by name, with nothing written. */
export const proveRefusals = async (lab: Lab, page: Page): Promise<void> => {
  for (const hostile of hostiles(lab)) await refused(lab, page, hostile)
}

const place = async (lab: Lab, objects: readonly LabObject[]): Promise<void> => {
  for (const object of objects) await lab.api.apply(object)
}

const remove = async (lab: Lab, objects: readonly LabObject[]): Promise<void> => {
  for (const object of [...objects].reverse()) await lab.api.delete(refOf(object))
}

const refOf = ({ apiVersion, kind, metadata: { name } }: LabObject): LabRef => ({ apiVersion, kind, name })

const refused = async (lab: Lab, page: Page, { story, objects, named }: Hostile): Promise<void> => {
  page.say(`\n== there before the run: ${story}`)
  await place(lab, objects)
  try {
    const before = await snapshot(lab.api)
    const end = await runTool(lab, init)
    const names = end.lines.some(({ text }) => text.includes(named))
    page.fact(`refused by name (${named}), exit 3`, end.code === 3 && names, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
    page.say(tail(end.lines, 4))
    const writes = toolWrites(lab.state, end.began)
    page.fact('nothing was written', writes.length === 0, writes.length === 0 ? "by the API server's own record" : inBrief(writes.map(formatWrite)))
    const changed = differences(before, await snapshot(lab.api))
    page.fact('every object is as before', changed.length === 0, changed.length === 0 ? `${before.size} objects` : inBrief(changed))
  } finally {
    await remove(lab, objects)
  }
}

const rolledBack = (page: Page, end: ToolEnd, inFull: boolean): void => {
  page.fact('the run opens, takes everything back and exits 4', end.code === 4, `exit ${end.code} after ${seconds(end.ended - end.began)}`)
  if (inFull || end.code !== 4) page.say(withSeconds({ began: end.began, lines: fromRollout(end) }))
  else page.say(tail(end.lines, 6))
}

/** Without the plan, which every run prints. */
const fromRollout = ({ lines }: ToolEnd) =>
  lines.slice(
    Math.max(
      0,
      lines.findIndex(({ text }) => text.startsWith('[1/')),
    ),
  )

const planted = async (lab: Lab, page: Page): Promise<void> => {
  page.say('\n== planted after stage 2, before anything is closed: a Deny before DNAT for all()')
  const before = await remember(lab)
  const policy = denyEverything(lab)
  try {
    const run = startTool(lab, init)
    await run.seen('before the gate')
    await place(lab, [policy])
    const end = await run.ended
    rolledBack(page, end, true)
    page.fact(
      'it is named',
      end.lines.some(({ text }) => text.includes('quarantine')),
    )
    const endpoints = toolWrites(lab.state, end.began).filter(({ resource, verb }) => resource === 'hostendpoints' && verb !== 'deletecollection')
    page.fact('no HostEndpoint was written', endpoints.length === 0)
    await proveAllOpen(lab, page)
  } finally {
    await remove(lab, [policy])
  }
  await proveRolledBack(lab, page, before)
}

/** Times of an undo, from what the product printed, what the API server recorded, and what packets did. */
const proveSpeed = (lab: Lab, page: Page, end: ToolEnd, cut: { from: number; to: number | undefined }): void => {
  // `22 of 23 probes green, 1 red` comes before the second look; what a watch sees between two sweeps, and what fails, is told in a line of its own.
  const red = end.lines.find(({ text }) => /\d red|failed:|answered before and is silent now/.test(text))
  const opening = toolWrites(lab.state, end.began).filter(isOpening)
  page.say(
    `     seconds into the run: ${[
      `first lost packet ${seconds(cut.from - end.began)}`,
      `first red probe ${red === undefined ? 'never' : seconds(red.at - end.began)}`,
      ...opening.map((write) => `${formatWrite(write)} ${seconds(write.at - end.began)}`),
      `open again ${cut.to === undefined ? 'never' : seconds(cut.to - end.began)}`,
    ].join(', ')}`,
  )
  page.fact(
    `open again within ${seconds(boundMs)} of the first red probe`,
    red !== undefined && cut.to !== undefined && cut.to - red.at <= boundMs,
    red === undefined || cut.to === undefined
      ? 'never'
      : `${seconds(cut.to - red.at)}; ${seconds(cut.to - cut.from)} after the first packet was lost`,
  )
}

/** Runs `init` with one line under watch, and tells from when to when that was cut. */
const watched = async (
  lab: Lab,
  from: string,
  port: number,
  moment: string,
  object: LabObject,
): Promise<{ end: ToolEnd; cut: { from: number; to: number | undefined } }> => {
  const line = { from, target: { protocol: 'tcp' as const, host: lab.node('ws1').address, port } }
  const watching = await watchLifeLines(lab, [line], { everyMs: 50, timeoutMs: 900 })
  const run = startTool(lab, init)
  await run.seen(moment)
  await place(lab, [object])
  const end = await run.ended
  const { cuts } = await watching.stop()
  const [first, last] = [cuts[0], cuts.at(-1)]
  return { end, cut: { from: first?.from ?? Number.NaN, to: last?.to } }
}

const plantedWhileClosed = async (lab: Lab, page: Page): Promise<void> => {
  page.say(
    '\n== planted while ws1 is closed: the same Deny, ordered before everything of ours, so that it cuts nodes too and the open set cannot help',
  )
  const before: Before = await remember(lab)
  const policy = denyEverything(lab)
  try {
    const { end, cut } = await watched(lab, 'control1', 10250, 'probe with worker ws1', policy)
    proveSpeed(lab, page, end, cut)
    rolledBack(page, end, true)
    await proveAllOpen(lab, page)
  } finally {
    await remove(lab, [policy])
  }
  await proveRolledBack(lab, page, before)
}

/** Somebody takes a node's failsafes away while the run goes on: it opens within three seconds of the first red probe, and takes everything back. */
export const proveOperatorCut = async (lab: Lab, page: Page, inFull: boolean): Promise<void> => {
  page.say("\n== a fault that cuts the operator: after stage 2 somebody's override takes ws1's failsafes away, so that SSH goes when ws1 closes")
  const before = await remember(lab)
  const override = noFailsafes(lab, 'ws1')
  try {
    const { end, cut } = await watched(lab, 'adm', 22, 'before the gate', override)
    proveSpeed(lab, page, end, cut)
    rolledBack(page, end, inFull)
    await proveAllOpen(lab, page)
  } finally {
    await remove(lab, [override])
  }
  await proveRolledBack(lab, page, before)
}
