import { formatRef } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { runOf } from '../firewall/facts/standing.ts'
import { openSet } from '../firewall/objects/network-sets.ts'
import { proofError } from '../proof/proof-error.ts'
import { proveActs } from '../proof/prove-acts.ts'
import { changeBefore, rollbackTarget } from '../rollout/changes.ts'
import { type BeforeImage, parseNumber } from '../rollout/checkpoint.ts'
import { type ChosenRollback, chooseRollback } from '../rollout/choose-rollback.ts'
import { isReachable } from '../rollout/folding.ts'
import { gapsIn } from '../rollout/mend.ts'
import { differingImages } from '../rollout/perform/restore.ts'
import { imagesBackTo } from '../rollout/rollback-steps.ts'
import { checkpointsRead, nextChange, readSituation, type Situation } from '../rollout/situation.ts'
import type { RunConfig } from '../rollout/state.ts'
import { stepActs } from '../rollout/step-acts.ts'
import { withoutStray } from '../rollout/strays.ts'
import { proofText } from '../ui/proof-text.ts'
import { clearAway } from './clear-away.ts'
import { clusterLine, clusterName } from './cluster-words.ts'
import type { CommandContext } from './context.ts'
import { evidenceOf } from './evidence.ts'
import { ownCopies } from './own-copies.ts'
import { firewallBack, kubeletsBefore, rollbackProbes } from './rollback-probes.ts'
import { fewLooks, runLimits } from './run-limits.ts'
import { exitCodeOf, runSteps } from './run-steps.ts'

/** Flags of `rollback`. */
export interface RollbackOptions {
  /** The change to go back to; 0 is before this tool's first write. Without it: to before the last change in force. */
  readonly to?: number
  readonly yes: boolean
  readonly windowSeconds: number
}

/** Goes back to how the cluster was after change N, and proves it by objects and probes. */
export const run = async (command: CommandContext, options: RollbackOptions): Promise<ExitCode> => {
  const { cluster, printer, ui } = command
  printer.talk(clusterLine(cluster))
  const facts = await cluster.facts({ looks: fewLooks })
  const { copies } = await ownCopies(command.journal, facts.cluster.uid)
  const situation = await readSituation(cluster.api, facts.calico.flavour, copies)
  for (const number of situation.mended)
    printer.talk(
      `note: checkpoint ${number} is damaged in the cluster or gone from it; this machine's copy stands in, which the chain of checkpoints fits`,
    )
  const to = targetOf(situation, options.to)
  for (const { number } of gapsIn(situation.checkpoints).filter(({ number }) => parseNumber(number).change > to))
    printer.talk(`warning: a checkpoint before ${number} is gone or was changed: what it alone held is not put back. See: kubectl calico-fw history`)
  const images = [...imagesBackTo(situation.checkpoints, to), ...(to === 0 ? situation.strays.map(withoutStray) : [])]
  const change = nextChange(situation)
  const common: RunConfig = {
    ...{ change, windowSeconds: options.windowSeconds, ...runLimits(command.context) },
    ...{ openSet: openSet(facts.calico.flavour), opened: situation.opened, isRollback: true },
  }
  if (images.length === 0) {
    printer.talk('Nothing to roll back: no change of this tool is in force.')
    if (to === 0 && (await clearAway(command, common))) printer.talk('Done. What a client left that died before its first change is gone.')
    return exitCodes.ok
  }
  const closedNow = closedInterfaces(situation.hostEndpoints.filter((one) => situation.committed.some((run) => run === runOf(one))))
  const differing = await differingImages(cluster.api, images)
  const standing = { ...situation, differing, policies: facts.policies, flavour: facts.calico.flavour, closedNodes: [...closedNow.keys()] }
  const chosen = chooseRollback({ change, to, images, config: common }, standing)
  const { steps, config, way } = chosen
  const closed = way === 'closes' ? closedNow : closedInterfaces((chosen.closed?.hostEndpoints ?? []) as HostEndpoint[])
  const firewall = firewallBack(images, situation.firewall)
  const proof = proveActs({ ...{ facts, firewall, acts: stepActs(steps, facts) }, ...(config.isRollback ? {} : { openSet: config.openSet }) })
  if (proof.refusals.length > 0) throw proofError(proof.refusals, 'the rollback', wayOut(to))
  for (const line of announcement(chosen, differing, to)) printer.talk(line)
  printer.talk(proofText(proof))
  const where = to === 0 ? 'before the first change' : `after change ${to}`
  if (!options.yes && !(await ui.confirm({ message: `Roll back ${clusterName(cluster)} to ${where}?`, flag: '--yes' }))) {
    printer.talk('Nothing was written.')
    printer.document('Rollback', { to, outcome: 'declined' })
    return exitCodes.ok
  }
  const undoes = situation.changes.filter(({ number }) => number > to).map(({ number }) => number)
  const plan = { to, way, restores: differing.map(({ ref, before }) => ({ object: formatRef(ref), to: before === null ? 'absent' : 'as it was' })) }
  const outcome = await runSteps(command, {
    steps,
    config,
    subject: {
      ...{ facts, probes: rollbackProbes(facts, firewall, closed), answered: kubeletsBefore(facts, situation.checkpoints, to) },
      ...{ checkpoints: checkpointsRead(situation), undoes, evidence: evidenceOf(facts, plan, proof) },
    },
    yes: options.yes,
  })
  const problem = await command.journal.appendHistory(facts.cluster.uid, {
    change,
    command: command.commandLine,
    to,
    outcome: outcome.kind,
    at: command.context.clock.wall().toISOString(),
  })
  if (problem !== undefined) printer.talk(`note: ${problem.message}`)
  const code = exitCodeOf(outcome)
  printer.talk(
    to === 0
      ? 'Done. Nothing of this tool is left in the cluster.'
      : `Done. The cluster is as it was after change ${to}. This rollback is change ${change}; undo it: kubectl calico-fw rollback --to ${changeBefore(situation.changes, change)}`,
  )
  printer.document('Rollback', { change, to, outcome: outcome.kind })
  return code
}

/** What opens whatever a rollback would cut. */
const wayOut = (to: number): string =>
  `open everything at once: kubectl calico-fw open${to === 0 ? '' : '; or go back to before the first change: kubectl calico-fw rollback --to 0'}`

/** The change to go back to, and every checkpoint on the way there readable. */
const targetOf = ({ changes, checkpoints, damaged }: Situation, given: number | undefined): number => {
  const to = given ?? rollbackTarget(changes)
  const known = [0, ...changes.map(({ number }) => number)]
  if (!known.includes(to)) {
    throw new FwError('FW_CHECKPOINT', `there is no change ${to}`, {
      why: changes.length === 0 ? 'this cluster has no checkpoints of this tool' : `there are ${known.join(', ')}`,
      fix: 'see them: kubectl calico-fw history',
    })
  }
  const reachable = known.filter((number) => isReachable(checkpoints, number))
  if (!reachable.includes(to)) {
    throw new FwError('FW_CHECKPOINT', `how the cluster was after change ${to} is not kept any more`, {
      why: 'of old changes only what leads past them is kept',
      fix: `go back to ${reachable.filter((number) => number < to).at(-1)} or to ${reachable.find((number) => number > to)}: kubectl calico-fw rollback --to N`,
    })
  }
  const [broken] = damaged
  if (broken !== undefined) throw broken.error
  return to
}

const announcement = ({ way, config, steps }: ChosenRollback, differing: readonly BeforeImage[], to: number): string[] => {
  const verb = ({ before }: BeforeImage) => (before === null ? 'delete ' : 'restore')
  const words: Record<ChosenRollback['way'], string> = {
    opens: steps.some((step) => step.kind === 'open' && step.givesWay !== undefined)
      ? 'Gives way to the firewall that was there before, then puts these objects back, then verifies them and probes:'
      : 'Opens every node this tool closed, then puts these objects back, then verifies them and probes:',
    widens: 'Puts these openings back, then verifies them and probes; nothing closes:',
    closes: `Closes these openings on trial for ${config.windowSeconds} s, then asks whether to keep them closed:`,
    'closes-again': `Opens every node this tool closed, puts these objects back, closes again on trial for ${config.windowSeconds} s, and asks whether to keep that:`,
  }
  return [
    words[way],
    ...differing.map((image) => `  ${verb(image)} ${formatRef(image.ref)}`),
    ...(to === 0
      ? ['  empty   Namespace calico-fw, checkpoints included, and delete it where this tool made it; the history stays on this machine']
      : []),
  ]
}

/** Their interfaces, by node. */
const closedInterfaces = (hostEndpoints: readonly HostEndpoint[]): Map<string, Set<string>> => {
  const closed = new Map<string, Set<string>>()
  for (const { spec } of hostEndpoints) {
    closed.set(spec.node, (closed.get(spec.node) ?? new Set<string>()).add(spec.interfaceName ?? ''))
  }
  return closed
}
