import { keys } from '../calico/names.ts'
import { formatRef } from '../calico/object.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { openSet } from '../firewall/network-sets.ts'
import { proofError } from '../proof/proof-error.ts'
import { proveActs } from '../proof/prove-acts.ts'
import type { BeforeImage } from '../rollout/checkpoint.ts'
import { closingRollback, imagesBackTo, onlyCloses, openingRollback } from '../rollout/rollback-steps.ts'
import { activeChanges, nextChange, readSituation, type Situation } from '../rollout/situation.ts'
import type { RunConfig } from '../rollout/state.ts'
import { stepActs } from '../rollout/step-acts.ts'
import { proofText } from '../ui/proof-text.ts'
import type { CommandContext } from './context.ts'
import { firewallBack, rollbackProbes } from './rollback-probes.ts'
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
  const facts = await cluster.facts({ looks: fewLooks })
  const situation = await readSituation(cluster.api, facts.calico.flavour)
  const to = targetOf(situation, options.to)
  const images = imagesBackTo(situation.checkpoints, to)
  if (images.length === 0) {
    printer.talk('Nothing to roll back: no change of this tool is in force.')
    return exitCodes.ok
  }
  const change = nextChange(situation)
  const config: RunConfig = {
    change,
    windowSeconds: options.windowSeconds,
    ...runLimits(command.context),
    openSet: openSet(facts.calico.flavour),
    opened: false,
    isRollback: !onlyCloses(images),
  }
  const rollback = { change, to, images, config }
  const closed = config.isRollback ? new Map<string, Set<string>>() : closedInterfaces(situation)
  const steps = config.isRollback
    ? openingRollback(rollback)
    : closingRollback(rollback, { policies: facts.policies, flavour: facts.calico.flavour, closedNodes: [...closed.keys()] })
  const proof = proveActs({
    ...{ facts, firewall: firewallBack(images), acts: stepActs(steps, facts) },
    ...(config.isRollback ? {} : { openSet: config.openSet }),
  })
  if (proof.refusals.length > 0) throw proofError(proof.refusals, 'the rollback', wayOut(to))
  for (const line of announcement(rollback)) printer.talk(line)
  printer.talk(proofText(proof))
  if (!options.yes && !(await ui.confirm({ message: `Roll back to ${to === 0 ? 'before the first change' : `change ${to}`}?`, flag: '--yes' })))
    return exitCodes.ok
  const undoes = situation.changes.filter(({ number }) => number > to).map(({ number }) => number)
  const outcome = await runSteps(command, {
    steps,
    config,
    subject: { facts, probes: rollbackProbes(facts, images, closed), undoes },
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
      : `Done. The cluster is as it was after change ${to}; this rollback is change ${change}.`,
  )
  printer.document('Rollback', { change, to, outcome: outcome.kind })
  return code
}

/** What opens whatever a rollback would cut. */
const wayOut = (to: number): string =>
  `open everything at once: kubectl calico-fw open${to === 0 ? '' : '; or go back to before the first change: kubectl calico-fw rollback --to 0'}`

const targetOf = (situation: Situation, to: number | undefined): number => {
  if (to === undefined) return (activeChanges(situation).at(-1)?.number ?? 1) - 1
  const known = [0, ...situation.changes.map(({ number }) => number)]
  if (!known.includes(to)) {
    throw new FwError('FW_CHECKPOINT', `there is no change ${to}`, {
      why: situation.changes.length === 0 ? 'this cluster has no checkpoints of this tool' : `there are ${known.join(', ')}`,
      fix: 'see them: kubectl calico-fw status',
    })
  }
  return to
}

const announcement = ({ images, config, to }: { images: readonly BeforeImage[]; config: RunConfig; to: number }): string[] => {
  const verb = ({ before }: BeforeImage) => (before === null ? 'delete ' : 'restore')
  return [
    config.isRollback
      ? 'Opens every node this tool closed, then puts these objects back, then verifies them and probes:'
      : `Closes these openings on trial for ${config.windowSeconds} s, then asks whether to keep them closed:`,
    ...images.map((image) => `  ${verb(image)} ${formatRef(image.ref)}`),
    ...(to === 0 ? ['  delete  Namespace calico-fw, with every checkpoint; the history stays on this machine'] : []),
  ]
}

/** The interfaces the lasting Deny closes, by node. */
const closedInterfaces = ({ hostEndpoints, committed }: Situation): Map<string, Set<string>> => {
  const closed = new Map<string, Set<string>>()
  for (const { metadata, spec } of hostEndpoints) {
    if (!committed.includes(Number(metadata.labels?.[keys.run]))) continue
    closed.set(spec.node, (closed.get(spec.node) ?? new Set<string>()).add(spec.interfaceName ?? ''))
  }
  return closed
}
