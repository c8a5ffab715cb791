import { formatWrite, toolWrites } from '../cluster/audit.ts'
import type { Lab } from '../lab.ts'
import { freeze, type Heal, unplug } from '../machine/failures.ts'
import { pause, until } from '../machine/run.ts'
import { homePackets, observe } from '../packets/table.ts'
import { startTool, type ToolRun, tail } from '../tool.ts'
import { misread } from './explained.ts'
import { closedAnswer, inBrief, mismatches } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type KillPoint, killPoints } from './kill-points.ts'
import { type OpeningWatch, watchOpening } from './opening.ts'
import { type Page, seconds } from './page.ts'
import { type Before, proveRolledBack, remember } from './undone.ts'

/** Seconds of the runs' window, and what the cluster's controllers may take on top. */
const windowSeconds = 30
const graceMs = 5_000

const start = (lab: Lab): ToolRun => startTool(lab, ['init', '-f', 'examples/home.yaml', '--yes', '--window', `${windowSeconds}s`])

/** The client dies at each point in turn; what it leaves must open by itself or be the kept firewall, and a rollback must leave nothing. */
export const proveCrashes = async (lab: Lab, page: Page): Promise<void> => {
  for (const point of killPoints) await provingLines(lab, page, `SIGKILL ${point.name}`, (before) => killed(lab, page, point, before))
}

/** Whoever would open the cluster is frozen across the deadline, or the operator is cut off from it. */
export const proveFreezes = async (lab: Lab, page: Page): Promise<void> => {
  await provingLines(lab, page, 'kube-controller-manager frozen across the deadline, no client alive', (before) =>
    frozenAcross(lab, page, 'kube-controller-manager', before),
  )
  await provingLines(lab, page, 'kube-controller-manager frozen while the client lives', (before) => lagging(lab, page, before))
  await provingLines(
    lab,
    page,
    'the operator loses the network for good, and gets it back after the deadline',
    (before) => unplugged(lab, page, before),
    { but: 'adm' },
  )
  // A frozen API server refuses the life lines to itself, so they are not watched here.
  page.say('\n== kube-apiserver frozen across the deadline, no client alive')
  await frozenAcross(lab, page, 'kube-apiserver', await remember(lab))
}

const provingLines = async (
  lab: Lab,
  page: Page,
  title: string,
  prove: (before: Before) => Promise<void>,
  { but }: { but?: string } = {},
): Promise<void> => {
  page.say(`\n== ${title}`)
  const before = await remember(lab)
  await keepingLines(lab, page, { everyMs: 500, inFull: false, ...(but === undefined ? {} : { but }) }, () => prove(before))
}

const withOpening = async <T>(lab: Lab, work: (opening: OpeningWatch) => Promise<T>): Promise<T> => {
  const opening = await watchOpening(lab)
  try {
    return await work(opening)
  } finally {
    await opening.stop()
  }
}

const die = async (run: ToolRun): Promise<number> => {
  run.signal('SIGKILL')
  await run.ended
  return Date.now()
}

const killed = async (lab: Lab, page: Page, point: KillPoint, before: Before): Promise<void> => {
  await withOpening(lab, async (opening) => {
    const run = start(lab)
    await point.reached(lab, run)
    const died = await die(run)
    const writes = toolWrites(lab.state, run.began)
    const last = writes.at(-1)
    page.say(
      `     killed ${seconds(died - run.began)} into the run, after ${writes.length} writes, the last: ${last === undefined ? 'none' : formatWrite(last)}`,
    )
    const wrongly = await misread(lab)
    page.fact('status says at once where the cluster stands', wrongly.length === 0, wrongly.join('; '))
    const limit = windowSeconds * 1000 + graceMs
    if (point.aftermath === 'stays kept') {
      await pause(limit)
      const wrong = mismatches(await observe(lab, homePackets(lab.layout)), (packet) => closedAnswer(lab.layout, packet))
      page.fact(`after ${seconds(limit)} the firewall stands as it was kept`, wrong.length === 0, inBrief(wrong) || 'every packet')
      return
    }
    const openFrom = await opening.openFrom(died, died + limit)
    const wasClosed = opening.firstLoss(run.began) !== undefined
    if (point.aftermath === 'never closed') page.fact('nothing was closed at any moment', !wasClosed)
    else
      page.fact(
        `what was closed is OPEN again within ${seconds(limit)} with no client alive`,
        wasClosed && openFrom !== undefined && openFrom - died <= limit,
        openFrom === undefined ? 'not open' : openFrom === died ? 'open at once' : `open ${seconds(openFrom - died)} after the kill`,
      )
  })
  await proveRolledBack(lab, page, before)
}

/** Runs to the moment when every node is closed and nothing is committed, and kills the client there. */
const closedAndDead = async (lab: Lab): Promise<number> => {
  const run = start(lab)
  await run.seen('before the commit')
  return die(run)
}

interface GateJob {
  readonly spec?: { readonly activeDeadlineSeconds?: number }
  readonly status?: { readonly startTime?: string }
}

/** When the armed gate's Job must end, in milliseconds since the epoch. */
const deadlineOf = async (lab: Lab): Promise<number> => {
  const jobs = await lab.api.list({ apiVersion: 'batch/v1', kind: 'Job', namespace: 'calico-fw' })
  const job = jobs.find(({ metadata }) => metadata.name.startsWith('gate-')) as GateJob | undefined
  return Date.parse(job?.status?.startTime ?? '') + (job?.spec?.activeDeadlineSeconds ?? Number.NaN) * 1000
}

const frozenAcross = async (lab: Lab, page: Page, role: string, before: Before): Promise<void> => {
  await withOpening(lab, async (opening) => {
    const died = await closedAndDead(lab)
    const deadline = await deadlineOf(lab)
    const thaw = await freeze(lab, role)
    await pause(Math.max(0, deadline - Date.now()) + 10_000)
    page.fact(
      'while it is frozen nothing opens: it is what keeps the deadline',
      opening.closedSince(Date.now() - 1_500),
      `${seconds(Date.now() - deadline)} past the deadline, ${seconds(Date.now() - died)} after the kill`,
    )
    await thaw()
    const back = Date.now()
    const openFrom = await opening.openFrom(back, back + 40_000)
    page.fact(
      `everything is OPEN within ${seconds(graceMs)} of its return`,
      openFrom !== undefined && openFrom - back <= graceMs,
      openFrom === undefined ? 'not open' : openFrom === back ? 'at once: not one attempt lost after it' : seconds(openFrom - back),
    )
  })
  await until('the API server', async () => (await lab.api.request('GET', '/readyz', undefined, undefined, 2000)).status === 200)
  await proveRolledBack(lab, page, before)
}

const finished = async (run: ToolRun, page: Page, code: number): Promise<void> => {
  const end = await run.ended
  page.fact(
    `the run ends on exit ${code}`,
    end.code === code,
    `exit ${end.code} after ${seconds(end.ended - end.began)}${end.code === code ? '' : `\n${tail(end.lines, 30)}`}`,
  )
}

const lagging = async (lab: Lab, page: Page, before: Before): Promise<void> => {
  await withOpening(lab, async (opening) => {
    const run = start(lab)
    await run.seen('before worker')
    const frozen = Date.now()
    const thaw: Heal = await freeze(lab, 'kube-controller-manager')
    try {
      const undo = await run.seen('[1/3] Open everything')
      page.say(`     the client turned round ${seconds(undo.at - frozen)} after the freeze`)
      const openFrom = await opening.openFrom(undo.at, undo.at + 10_000)
      page.fact(
        'the client sees the lag and opens while it can',
        openFrom !== undefined,
        openFrom === undefined ? 'not open' : `open ${seconds(openFrom - frozen)} after the freeze`,
      )
    } finally {
      await thaw()
    }
    await finished(run, page, 4)
  })
  await proveRolledBack(lab, page, before)
}

const unplugged = async (lab: Lab, page: Page, before: Before): Promise<void> => {
  await withOpening(lab, async (opening) => {
    const run = start(lab)
    await run.seen('2 workers: ws2.kryukov.local and ws3.kryukov.local closed')
    const plug = await unplug(lab, 'adm')
    const lost = Date.now()
    const limit = windowSeconds * 1000 + graceMs
    try {
      const openFrom = await opening.openFrom(lost, lost + limit)
      page.fact(
        `everything is OPEN again within ${seconds(limit)}`,
        openFrom !== undefined && openFrom - lost <= limit,
        openFrom === undefined ? 'not open' : `${seconds(openFrom - lost)} after the cable was pulled`,
      )
    } finally {
      await plug()
    }
    await finished(run, page, 4)
  })
  await proveRolledBack(lab, page, before)
}
