import { stringify } from 'yaml'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { lastingObjects } from '../firewall/objects/lasting-objects.ts'
import { type Standing, standingOf } from '../ui/status-text.ts'
import type { CommandContext } from './context.ts'
import { survey } from './survey.ts'

const opening = `# The firewall in force, for a GitOps tool: keep these objects, do not prune calico-fw-open, and do not apply them to another cluster:
# they close it at once, without a trial. What is to change is tried first: kubectl calico-fw apply -f FILE, then rendered again.
`

const inWords: Readonly<Record<Exclude<Standing, 'kept'>, string>> = {
  none: 'this cluster has no firewall of this tool',
  trial: 'its firewall is on trial still',
  expired: 'its last change was tried and is not kept',
  opened: 'everything is open: GlobalNetworkSet calico-fw-open exists',
}

/** Prints the Calico objects of the firewall that is kept, as a GitOps tool would hold them. */
export const run = async (command: CommandContext): Promise<ExitCode> => {
  const { printer } = command
  const { facts, situation } = await survey(command, { looks: 0 })
  const standing = standingOf(situation)
  if (standing !== 'kept') {
    throw new FwError('FW_NOT_FOUND', 'no firewall of this tool is kept in this cluster', {
      why: `what is rendered closes wherever it is applied, so only what was tried and kept is; ${inWords[standing]}`,
      fix: 'try it and keep it: kubectl calico-fw apply -f FILE',
    })
  }
  const objects = lastingObjects(facts.own)
  printer.data(`${opening}${objects.map((object) => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('')}`.trimEnd())
  printer.document('List', { items: objects })
  return exitCodes.ok
}
