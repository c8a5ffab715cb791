import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { standingOf } from '../firewall/facts/standing.ts'
import { appendAllow, appendFailsafe } from '../firewall/file/edit-firewall-file.ts'
import { formatAllowEntry } from '../firewall/file/firewall-text.ts'
import type { AllowEntry, ExtraFailsafe, HostFirewall } from '../firewall/file/host-firewall.ts'
import { entryRules } from '../firewall/objects/allow-policy.ts'
import { nodeAddresses, openSet } from '../firewall/objects/network-sets.ts'
import { type AddVip, makeAddVip } from '../firewall/plan/add-vip.ts'
import { entryInWords, sourcesInWords } from '../firewall/plan/differences.ts'
import { isCovered } from '../firewall/plan/explain-vip.ts'
import { narrows } from '../firewall/plan/narrowing.ts'
import { type VipRequest, vipEntry, vipFailsafes } from '../firewall/plan/vip-entry.ts'
import { parseAddress } from '../net/address.ts'
import { parseCidr } from '../net/cidr.ts'
import { parsePortSpec } from '../net/port.ts'
import { proofError } from '../proof/proof-error.ts'
import { proveActs } from '../proof/prove-acts.ts'
import type { ChangeEvidence } from '../rollout/checkpoint.ts'
import { addVipSteps } from '../rollout/init-steps.ts'
import { checkpointsRead, nextChange } from '../rollout/situation.ts'
import type { RunConfig } from '../rollout/state.ts'
import { stepActs } from '../rollout/step-acts.ts'
import type { Step } from '../rollout/steps.ts'
import { proofText } from '../ui/proof-text.ts'
import { wrap } from '../ui/wrap.ts'
import { readFirewallFile } from './answers.ts'
import { clusterName } from './cluster-words.ts'
import type { CommandContext } from './context.ts'
import { evidenceOf } from './evidence.ts'
import { keptFirewall } from './kept-firewall.ts'
import { defaultWindowSeconds, fewLooks, runLimits } from './run-limits.ts'
import { exitCodeOf, runSteps } from './run-steps.ts'
import { type Survey, survey } from './survey.ts'
import { refuseUnfinished } from './unfinished.ts'

/** Flags of `add-vip`, as typed. */
export interface AddVipOptions {
  readonly address: string
  readonly ports: readonly string[]
  readonly from: readonly string[]
  readonly name?: string
  readonly failsafe: boolean
  readonly filename?: string
  readonly yes: boolean
  readonly takeOver: boolean
}

/** Opens one more address: one policy more, probed, undone by rollback. */
export const run = async (command: CommandContext, options: AddVipOptions): Promise<ExitCode> => {
  const { printer, ui, context } = command
  const request = requestOf(options)
  const failsafes = options.failsafe ? vipFailsafes(request) : []
  const file = options.filename === undefined ? undefined : readFirewallFile(command, options.filename)
  const found = await survey(command, { looks: fewLooks })
  refuseUnfinished(found.situation)
  const existing = keptFirewall(found.facts)
  const taken = new Set([...existing.spec.allow, ...(file?.firewall.spec.allow ?? [])].map(({ name }) => name))
  const entry = vipEntry(request, taken)
  const addresses = nodeAddresses(found.facts)
  const known = [existing, ...(file === undefined ? [] : [file.firewall])]
  if (failsafes.length === 0 && isInForce(existing, found.facts) && known.every((firewall) => isCovered(entry, firewall, addresses))) {
    printer.talk(`Nothing to open: ${entryInWords(entry)} is open already for ${sourcesInWords(entry)}. Nothing was written.`)
    printer.document('AddVip', { outcome: 'unchanged' })
    return exitCodes.ok
  }
  const edited = file === undefined ? undefined : withEntry(file.text, entry, failsafes)
  const addition = makeAddVip({ facts: found.facts, existing, entry, failsafes })
  const opening = openingRun(command, found, addition)
  const proof = proveActs({ facts: found.facts, firewall: addition.firewall, acts: stepActs(opening.steps, found.facts) })
  if (proof.refusals.length > 0) throw proofError(proof.refusals, 'the opening')
  printer.talk(`\nOpens ${entryInWords(entry)} for ${sourcesInWords(entry)}, as allow entry ${entry.name}.`)
  if (addition.failsafes !== undefined) printer.talk('Adds failsafe ports: every Felix restarts once, and they are open on every node, to everyone.')
  for (const { text } of addition.explanations) printer.talk(wrap(text, { columns: context.stderr.columns ?? 80, first: 'note: ' }))
  printer.talk(wrap(proofText(proof), { columns: context.stderr.columns ?? 80 }))
  if (!options.yes && !(await ui.confirm({ message: `Open it on ${clusterName(command.cluster)}?`, flag: '--yes' }))) {
    printer.talk('Nothing was written.')
    printer.document('AddVip', { outcome: 'declined' })
    return exitCodes.ok
  }
  const change = await rollOut(command, found, addition, { ...opening, evidence: evidenceOf(found.facts, { entry, failsafes }, proof) }, options)
  if (options.filename !== undefined && edited !== undefined) await context.writeFile(options.filename, edited)
  await tellWhatAnswers(command, found, addition)
  printer.talk(`Done. Undo it: kubectl calico-fw rollback`)
  if (options.filename !== undefined) printer.talk(`${options.filename} has the entry now.`)
  else {
    printer.talk(`\nA later "apply -f FILE" closes it again unless the file's spec.allow has this entry:`)
    printer.data(formatAllowEntry(entry).trimEnd())
  }
  printer.document('AddVip', { outcome: 'done', change, entry, explanations: addition.explanations })
  return exitCodes.ok
}

/** Whether policies let in what the file says: what somebody deleted by hand is open by the file alone. */
const isInForce = ({ spec }: HostFirewall, facts: Facts): boolean => {
  const rules = [...standingOf(facts).allows.values()].flatMap((policy) => policy.spec.ingress ?? [])
  return spec.allow.every((entry) => !narrows(entryRules(entry), rules))
}

const requestOf = ({ address, ports, from, name }: AddVipOptions): VipRequest => ({
  address: parseAddress(address),
  ports: ports.map(parsePortSpec),
  from: from.map(parseCidr),
  ...(name === undefined ? {} : { name }),
})

const withEntry = (text: string, entry: AllowEntry, failsafes: readonly ExtraFailsafe[]): string =>
  failsafes.reduce(appendFailsafe, appendAllow(text, entry))

interface OpeningRun {
  readonly config: RunConfig
  readonly steps: readonly Step[]
}

const openingRun = (command: CommandContext, { facts, situation }: Survey, addition: AddVip): OpeningRun => {
  const change = nextChange(situation)
  const config: RunConfig = {
    ...{ change, windowSeconds: defaultWindowSeconds, ...runLimits(command.context) },
    ...{ openSet: openSet(facts.calico.flavour), opened: situation.opened, isRollback: false },
  }
  const closedNodes = [...new Set(situation.hostEndpoints.map(({ spec }) => spec.node))]
  const steps = addVipSteps(change, [...addition.policies, addition.configMap], addition.failsafes, situation.opened ? [] : closedNodes)
  return { config, steps }
}

const rollOut = async (
  command: CommandContext,
  { facts, situation }: Survey,
  { probes }: AddVip,
  { config, steps, evidence }: OpeningRun & { readonly evidence: ChangeEvidence },
  { yes, takeOver }: AddVipOptions,
): Promise<number> => {
  const { change } = config
  const outcome = await runSteps(command, {
    steps,
    config,
    subject: { facts, probes, checkpoints: checkpointsRead(situation), evidence },
    yes,
    takeOver,
  })
  const at = command.context.clock.wall().toISOString()
  const problem = await command.journal.appendHistory(facts.cluster.uid, { change, command: command.commandLine, outcome: outcome.kind, at })
  if (problem !== undefined) command.printer.talk(`note: ${problem.message}`)
  exitCodeOf(outcome)
  return change
}

/** Whether what was opened answers here; nobody need listen there yet, so silence is no failure. */
const tellWhatAnswers = async ({ ports, printer, context }: CommandContext, { facts }: Survey, { opened }: AddVip): Promise<void> => {
  if (opened.length === 0) return
  const { prober } = ports(facts, { ask: () => Promise.resolve('open'), report: () => undefined })
  const results = new Map((await prober.run(opened, { since: context.clock.wall(), timeoutMs: 2_000 })).map((result) => [result.id, result]))
  for (const { id, title } of opened) {
    const outcome = results.get(id)?.outcome ?? 'not-run'
    printer.talk(outcome === 'ok' ? `${title}: answers` : `${title}: ${outcome}; it is open, but nothing answers from here`)
  }
}
