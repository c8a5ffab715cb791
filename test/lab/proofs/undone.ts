import { calicoApiVersion } from '../cluster/crds.ts'
import { differences, type Snapshot, snapshot } from '../cluster/snapshot.ts'
import type { Lab } from '../lab.ts'
import { pause } from '../machine/run.ts'
import { homePackets, observe, renderTable } from '../packets/table.ts'
import { runTool, type ToolEnd, tail } from '../tool.ts'
import { inBrief, mismatches } from './home-answers.ts'
import { type Page, seconds } from './page.ts'

/** What a cluster was before anything was tried on it. */
export interface Before {
  readonly objects: Snapshot
  readonly felixConfiguration: string
}

const busy = 7

const felixConfiguration = async ({ api, variant }: Lab): Promise<string> => {
  const found = await api.get({ apiVersion: calicoApiVersion(variant.flavour), kind: 'FelixConfiguration', name: 'default' })
  return JSON.stringify(found?.['spec'])
}

/** Remembers the whole cluster. */
export const remember = async (lab: Lab): Promise<Before> => ({ objects: await snapshot(lab.api), felixConfiguration: await felixConfiguration(lab) })

/** `rollback --to 0 --yes`; a lock that a killed client left is waited for, as its message says. */
export const rollBack = async (lab: Lab): Promise<{ readonly end: ToolEnd; readonly waitedMs: number }> => {
  const began = Date.now()
  for (;;) {
    const end = await runTool(lab, ['rollback', '--to', '0', '--yes'])
    if (end.code !== busy || Date.now() - began > 60_000) return { end, waitedMs: end.began - began }
    await pause(2_000)
  }
}

/** `rollback --to 0` leaves every object of the cluster as it was, none of ours, and every port open. */
export const proveRolledBack = async (lab: Lab, page: Page, before: Before): Promise<ToolEnd> => {
  const { end, waitedMs } = await rollBack(lab)
  page.fact(
    'rollback --to 0 --yes exits 0',
    end.code === 0,
    `exit ${end.code} in ${seconds(end.ended - end.began)}${waitedMs < 1000 ? '' : `, ${seconds(waitedMs)} after the first try found the dead client's lock`}${end.code === 0 ? '' : `\n${tail(end.lines)}`}`,
  )
  await proveAsBefore(lab, page, before)
  return end
}

/** Every object of the cluster is as it was, and every port answers everybody. */
const proveAsBefore = async (lab: Lab, page: Page, before: Before): Promise<void> => {
  const changed = differences(before.objects, await snapshot(lab.api))
  page.fact(
    'every object of the cluster is as it was before, none of ours is left',
    changed.length === 0,
    changed.length === 0 ? `${before.objects.size} objects of every kind compared` : inBrief(changed, 12),
  )
  page.fact('FelixConfiguration default is as it was', (await felixConfiguration(lab)) === before.felixConfiguration)
  await proveAllOpen(lab, page)
}

/** Every place reaches every port. */
export const proveAllOpen = async (lab: Lab, page: Page): Promise<void> => {
  const after = await observe(lab, homePackets(lab.layout))
  const shut = mismatches(after, () => 'OPEN')
  page.fact('every place reaches every port', shut.length === 0, shut.length === 0 ? `${after.length} packets` : inBrief(shut))
  if (shut.length > 0) page.say(renderTable(after))
}
