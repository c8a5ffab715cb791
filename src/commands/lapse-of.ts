import { isOverAnother } from '../firewall/adoption/adoption.ts'
import { runOf } from '../firewall/facts/standing.ts'
import type { Situation } from '../rollout/situation.ts'
import type { Lapse } from '../ui/lapse-words.ts'

/**
 * What comes of a trial that is not kept: everything opens, or what it closes alone while nodes of earlier changes stay closed, or another's firewall is in force again.
 * `written` are names of HostEndpoints that the trial itself takes into its run.
 */
export const lapseOf = ({ hostEndpoints, committed, opened }: Situation, written: readonly string[] = []): Lapse => {
  if (hostEndpoints.some(isOverAnother)) return 'another'
  const stay = hostEndpoints.some((one) => committed.some((run) => run === runOf(one)) && !written.includes(one.metadata.name))
  return stay && !opened ? 'part' : 'all'
}
