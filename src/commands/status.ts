import { formatRef } from '../calico/object.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import { type Coverage, coverageOf } from '../firewall/plan/coverage.ts'
import { readSituation, type Situation } from '../rollout/situation.ts'
import { coverageSentences, fateOf, hasFirewall, sentencesOf, standingOf, straySentences } from '../ui/status-text.ts'
import { clusterLine } from './cluster-words.ts'
import type { Cluster, CommandContext, Printer } from './context.ts'
import { switchFlavour } from './switch-flavour.ts'

/** Exit 0 when the firewall is kept and covers what its file selects, or when there is none; 1 when something waits for the operator. */
export const run = async ({ cluster, context, printer }: CommandContext): Promise<ExitCode> => {
  printer.talk(clusterLine(cluster))
  const situation = await readSituation(cluster.api, await switchFlavour(cluster.api))
  const standing = standingOf(situation)
  for (const { error } of situation.damaged) printer.talk(`note: ${error.message}: ${error.why ?? ''}`)
  for (const sentence of sentencesOf(situation, context.clock.wall())) printer.data(sentence)
  // An open set where there is no firewall has been told already.
  const told = standing === 'opened' && !hasFirewall(situation) && situation.strays.length === 1
  for (const sentence of told ? [] : straySentences(situation.strays)) printer.data(sentence)
  const coverage = standing === 'kept' ? await coverageNow(cluster, situation) : undefined
  if (coverage !== undefined) for (const sentence of coverageSentences(coverage)) printer.data(sentence)
  printChanges(printer, situation)
  printer.document('Status', { ...fieldsOf(situation), standing, ...(coverage === undefined ? {} : { coverage }) })
  const waits =
    (standing !== 'none' && standing !== 'kept') ||
    situation.strays.length > 0 ||
    (coverage !== undefined && (coverage.uncovered.length > 0 || coverage.egress !== 'as-written'))
  return waits ? exitCodes.failure : exitCodes.ok
}

const coverageNow = async ({ facts }: Cluster, { firewall, hostEndpoints }: Situation): Promise<Coverage | undefined> =>
  firewall === undefined
    ? undefined
    : coverageOf(await facts({ looks: 0 }), parseHostFirewall(firewall, 'ConfigMap calico-fw/host-firewall'), hostEndpoints)

const printChanges = (printer: Printer, situation: Situation): void => {
  const { changes } = situation
  if (changes.length === 0) return
  printer.data('')
  for (const change of changes) printer.data(`change ${change.number}  ${change.at}  ${change.by}  ${change.command}${fateOf(change, situation)}`)
  printer.data('undo the last one: kubectl calico-fw rollback')
}

const fieldsOf = ({ committed, unfinished, gates, lock, hostEndpoints, changes, strays }: Situation): Record<string, unknown> => ({
  committedRuns: committed,
  unfinishedRuns: unfinished,
  gates: gates.map(({ change, armed, expiresAt }) => ({ change, armed, ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }) })),
  ...(lock === undefined ? {} : { lock: { ...lock, renewedAt: lock.renewedAt.toISOString() } }),
  hostEndpoints: hostEndpoints.map(({ metadata, spec }) => ({ name: metadata.name, node: spec.node, interfaceName: spec.interfaceName })),
  changes,
  ...(strays.length === 0 ? {} : { strays: strays.map(formatRef) }),
})
