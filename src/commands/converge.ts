import { refOf } from '../calico/object.ts'
import type { Labels } from '../calico/selector.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { takenOver } from '../firewall/adoption/adoption.ts'
import { formatHostFirewall } from '../firewall/file/firewall-text.ts'
import { leaveToWriters } from '../firewall/objects/manifest-writer.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import type { Accepted } from '../proof/accepted.ts'
import { initSteps } from '../rollout/init-steps.ts'
import { checkpointsRead } from '../rollout/situation.ts'
import type { RunConfig } from '../rollout/state.ts'
import type { Step } from '../rollout/steps.ts'
import { keptText } from '../ui/outcome-text.ts'
import { packetsText } from '../ui/packets-text.ts'
import { planText } from '../ui/plan-text.ts'
import { proofText } from '../ui/proof-text.ts'
import { themeFor } from '../ui/theme.ts'
import { wrap } from '../ui/wrap.ts'
import { clusterLine } from './cluster-words.ts'
import type { CommandContext } from './context.ts'
import { evidenceOf } from './evidence.ts'
import type { DryRun } from './flags.ts'
import { lapseOf } from './lapse-of.ts'
import { planFields, planInBrief } from './plan-fields.ts'
import { type Prepared, prepare } from './prepare.ts'
import { runLimits } from './run-limits.ts'
import { exitCodeOf, runSteps } from './run-steps.ts'
import { type Survey, survey } from './survey.ts'
import { refuseUnfinished, settleUnfinished } from './unfinished.ts'
import type { Wanted } from './wanted-firewall.ts'

/** How a firewall is brought into force. */
export interface ConvergeOptions {
  readonly windowSeconds: number
  readonly accepted: Accepted
  readonly yes: boolean
  readonly takeOver: boolean
  readonly dryRun: DryRun
  /** Take over the firewall others have on the interfaces. */
  readonly adopting?: { readonly workloads: readonly Labels[] }
}

/** The command that converges: names the documents it prints. */
export type ConvergingVerb = 'Init' | 'Apply' | 'Sync' | 'Adopt'

/** Looks at the cluster, and goes on once no earlier change is unfinished there: one that is may be cleaned up first, where somebody says so. */
export const settled = async (command: CommandContext, options: ConvergeOptions, goOn: (found: Survey) => Promise<ExitCode>): Promise<ExitCode> => {
  const look = () => survey(command, { mayStartPods: options.dryRun === 'none' })
  const found = await look()
  if (options.dryRun === 'server') refuseUnfinished(found.situation)
  if (options.dryRun !== 'none') return goOn(found)
  const unfinished = await settleUnfinished(command, found.situation, options)
  if (unfinished === 'nothing') return goOn(found)
  return unfinished === 'cleaned' ? goOn(await look()) : unfinished
}

/** Shows the plan that makes the cluster what a firewall says, proves it, and rolls it out on trial; says so where nothing is to change. */
export const converge = async (
  command: CommandContext,
  verb: ConvergingVerb,
  found: Survey,
  wanted: Wanted,
  options: ConvergeOptions,
): Promise<ExitCode> => {
  const { printer } = command
  const prepared = await prepare(command, found, wanted.firewall, options)
  if (prepared.isInForce) {
    printer.talk('Nothing to change: the firewall in force is this one.')
    printer.document(verb, { outcome: 'unchanged', change: found.situation.committed.at(-1) ?? 0 })
    return exitCodes.ok
  }
  const text = planOnScreen(command, prepared, options.windowSeconds)
  if (options.dryRun === 'client') {
    if (verb === 'Adopt') {
      printer.talk(`\n${text}`)
      printer.data(formatHostFirewall(wanted.firewall).trimEnd())
    } else printer.data(text)
    // Exact over all packets takes longer than all the rest, and the text has no room for it.
    if (printer.format !== 'text') printer.document('Plan', planFields(prepared, prepared.packets()))
    return exitCodes.ok
  }
  printer.talk(`\n${text}\n`)
  leaveOthers(found, prepared)
  if (options.dryRun === 'server') return askServer(command, verb, found, prepared, options)
  if (!(await confirmed(command, prepared.plan, options.yes))) {
    printer.talk('Nothing was written.')
    printer.document(verb, { outcome: 'declined' })
    return exitCodes.ok
  }
  return rollOut(command, verb, found, prepared, wanted, options)
}

/** Objects a GitOps tool writes are told apart only now: what is to change in them is on the screen. */
const leaveOthers = ({ facts }: Survey, { plan, missing }: Prepared): void => {
  const changed = missing.flatMap(({ object, change }) => (change === 'update' ? [refOf(object)] : []))
  const adopted = takenOver(plan)
  leaveToWriters([...facts.own, ...adopted], [...changed, ...plan.finish.write.map(refOf), ...plan.finish.remove, ...adopted.map(refOf)])
}

const planOnScreen = ({ cluster, context }: CommandContext, { plan, proof, packets }: Prepared, windowSeconds: number): string => {
  const columns = context.stderr.columns ?? 80
  const text = planText(plan, {
    cluster: { context: cluster.contextName, server: cluster.server },
    windowSeconds,
    columns,
    theme: themeFor(context.stderr, context.workstation.env),
    // What closes and opens is not told by the file alone where another firewall is taken over.
    ...(plan.adoption === undefined ? {} : { packets: packetsText(packets()) }),
  })
  return `${text}\n\n${wrap(proofText(proof), { columns: Math.min(columns, 100) })}`
}

const confirmed = async ({ ui, cluster }: CommandContext, plan: Plan, yes: boolean): Promise<boolean> => {
  if (yes) return true
  if (!ui.interactive)
    throw new FwError('FW_MISSING_ANSWER', 'this asks before it writes, and nobody is there to answer', {
      why: 'there is no terminal to ask at',
      fix: 'let it begin by itself: --yes',
    })
  const { name } = plan.firewall.metadata
  return ui.typed({
    message: `Type ${name} to begin, or press Enter to stop:`,
    why: `This changes ${clusterLine(cluster)}. Keep an SSH session to a node open meanwhile.`,
    flag: '--yes',
    expected: name,
  })
}

const configOf = ({ context }: CommandContext, plan: Plan, { situation }: Survey, windowSeconds: number): RunConfig => ({
  ...runLimits(context),
  ...{ change: plan.change, windowSeconds, openSet: plan.openSet, opened: situation.opened, isRollback: false },
})

/** `--dry-run=server`: the preflight alone. Objects of a namespace that is not there yet cannot be asked about. */
const askServer = async (
  command: CommandContext,
  verb: ConvergingVerb,
  found: Survey,
  { plan }: Prepared,
  { windowSeconds }: ConvergeOptions,
): Promise<ExitCode> => {
  const { printer } = command
  const { facts } = found
  const hasNamespace = facts.own.some(({ kind }) => kind === 'Namespace')
  const steps = initSteps(plan).flatMap((step): Step[] =>
    step.kind === 'preflight'
      ? [{ ...step, objects: step.objects.filter(({ metadata }) => hasNamespace || metadata.namespace !== 'calico-fw') }]
      : [],
  )
  const outcome = await runSteps(command, { steps, config: configOf(command, plan, found, windowSeconds), subject: { facts, probes: [] }, yes: true })
  const code = exitCodeOf(outcome)
  printer.talk(
    hasNamespace
      ? 'The API server takes every write. Nothing was written.'
      : 'The API server takes every write it can be asked about: not those in namespace calico-fw, which is not there yet. Nothing was written.',
  )
  printer.document(verb, { outcome: 'dry-run', change: plan.change })
  return code
}

const rollOut = async (
  command: CommandContext,
  verb: ConvergingVerb,
  found: Survey,
  prepared: Prepared,
  { words }: Wanted,
  { windowSeconds, yes, takeOver, accepted }: ConvergeOptions,
): Promise<ExitCode> => {
  const { printer, journal, context } = command
  const { facts, situation } = found
  const { plan, proof } = prepared
  const written = plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints.map(({ metadata }) => metadata.name))
  const lapse = plan.adoption === undefined ? lapseOf(situation, written) : 'another'
  const taken = accepted.unseen.length + accepted.hostFirewalls.length === 0 ? {} : { accepted }
  const outcome = await runSteps(command, {
    steps: initSteps(plan, { opened: situation.opened }),
    config: configOf(command, plan, found, windowSeconds),
    subject: {
      ...{ facts, probes: plan.probes, checkpoints: checkpointsRead(situation) },
      ...{ ...taken, evidence: evidenceOf(facts, planInBrief(prepared), proof) },
    },
    ...{ yes, takeOver, lapse },
  })
  const at = context.clock.wall().toISOString()
  const problem = await journal.appendHistory(facts.cluster.uid, { change: plan.change, command: words, outcome: outcome.kind, at, ...taken })
  if (problem !== undefined) printer.talk(`note: ${problem.message}`)
  const code = exitCodeOf(outcome, lapse)
  printer.talk(keptText(plan.change, themeFor(context.stderr, context.workstation.env)))
  if (verb === 'Init') {
    printer.talk(`\nThe same without questions:\n  ${words} --yes\nThe same as a file, for kubectl calico-fw apply -f FILE:`)
    printer.data(formatHostFirewall(plan.firewall).trimEnd())
  }
  printer.document(verb, { outcome: outcome.kind, change: plan.change, command: words, firewall: plan.firewall })
  return code
}
