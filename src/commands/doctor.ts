import { examine } from '../doctor/examine.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { needsOf } from '../firewall/plan/needs.ts'
import { doctorText } from '../ui/doctor-text.ts'
import { themeFor } from '../ui/theme.ts'
import type { CommandContext } from './context.ts'

/** Looks at everything and changes nothing. Exit 0 when all is well, 1 with warnings, 3 where `init` would refuse or be unsafe. */
export const run = async ({ cluster, context, printer }: CommandContext): Promise<ExitCode> => {
  // A list Felix cannot read is a finding here, not the end.
  const facts = await cluster.facts({ brokenFailsafes: 'empty' })
  const results = examine(facts)
  printer.data(doctorText(results, { columns: context.stdout.columns ?? 100, theme: themeFor(context.stdout, context.workstation.env) }))
  printer.document('Doctor', { gatheredAt: facts.gatheredAt, cluster: facts.cluster, lifeLines: needsOf(facts), checks: results })
  if (results.some(({ outcome }) => outcome === 'error')) return exitCodes.refused
  return results.some(({ outcome }) => outcome === 'warning') ? exitCodes.failure : exitCodes.ok
}
