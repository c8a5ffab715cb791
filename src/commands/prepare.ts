import type { KubeObject } from '../calico/object.ts'
import type { Labels } from '../calico/selector.ts'
import { FwError } from '../errors.ts'
import { isOverAnother } from '../firewall/adoption/adoption.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { nodeNamed } from '../firewall/facts/node-named.ts'
import { closest } from '../firewall/file/did-you-mean.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { diffObjects, type ObjectDifference } from '../firewall/objects/same-spec.ts'
import type { Notice, Plan } from '../firewall/plan/plan.ts'
import { makePlan } from '../firewall/plan/plan-maker.ts'
import { asUnkept, refuseLeftClosed } from '../firewall/plan/reclosing.ts'
import { isWildcard } from '../firewall/plan/rivals.ts'
import type { Accepted } from '../proof/accepted.ts'
import { type ForeignDanger, foreignDangers } from '../proof/foreign-dangers.ts'
import { type BypassedFirewall, bypassedFirewalls, hostFirewallError } from '../proof/host-firewalls.ts'
import { type PlanPackets, planPackets } from '../proof/plan-packets.ts'
import { proofError } from '../proof/proof-error.ts'
import { provePlan } from '../proof/prove-plan.ts'
import type { Proof } from '../proof/prove-states.ts'
import { unseenDangers, unseenError } from '../proof/unseen-dangers.ts'
import { isHostEndpoint, isPolicy } from '../proof/world-edits.ts'
import { nextChange } from '../rollout/situation.ts'
import type { CommandContext } from './context.ts'
import type { Survey } from './survey.ts'

/** A plan, held against the cluster. */
export interface Prepared {
  readonly plan: Plan
  /** What the cluster lacks of it. */
  readonly missing: readonly ObjectDifference[]
  readonly proof: Proof
  /** What it opens and closes over all packets; takes up to a second, so who does not show it does not ask. */
  readonly packets: () => PlanPackets
  /** Nothing to write. */
  readonly isInForce: boolean
}

/** No cluster sees as many changes: a file of the journal with a greater number is none of ours. */
const mostChanges = 1_000_000

/** How a plan is prepared. */
export interface PrepareOptions {
  readonly windowSeconds: number
  readonly accepted: Accepted
  /** Take over the firewall others have on the interfaces. */
  readonly adopting?: { readonly workloads: readonly Labels[] }
}

/**
 * Makes the plan of a firewall and looks for whatever speaks against it; reads and decides only.
 * @throws FwError FW_FOREIGN, FW_HOST_FIREWALL, FW_PROOF, FW_UNSEEN, and what makes a firewall impossible here
 */
export const prepare = async (
  command: CommandContext,
  { facts, situation, notices }: Survey,
  firewall: HostFirewall,
  { windowSeconds, accepted, adopting }: PrepareOptions,
): Promise<Prepared> => {
  const known = (await command.journal.readCheckpoints(facts.cluster.uid)).entries
    .map(({ number }) => Number(number.split('.')[0]))
    .filter((number) => number < mostChanges)
  const made = makePlan({
    ...{ firewall, facts: situation.opened ? asUnkept(facts) : facts, change: nextChange(situation, known), windowSeconds },
    ...(adopting === undefined ? {} : { adopting }),
  })
  if (made.adoption?.hostEndpoints.length === 0 && !made.batches.some(({ hostEndpoints }) => hostEndpoints.some(isOverAnother)))
    throw new FwError('FW_NOT_FOUND', 'nobody else has a HostEndpoint on an interface of this firewall', {
      why: 'adopt takes over what is there, and there is nothing of that on these interfaces',
      fix: 'kubectl calico-fw apply -f FILE, or name the interfaces that have them',
    })
  if (situation.opened) refuseLeftClosed(facts, made)
  refuseUnknownNodes(accepted.hostFirewalls, facts)
  const closed = new Set(made.batches.flatMap(({ nodes }) => nodes))
  const bypassed = bypassedFirewalls(facts, closed)
  const plan: Plan = { ...made, notices: [...notices, ...bypassed.map(givenUp), ...made.notices] }
  const hostEndpoints = plan.batches.flatMap((batch) => batch.hostEndpoints)
  const missing = diffObjects(facts.own, [...plan.sets, ...plan.policies, ...hostEndpoints]).filter(({ change }) => change !== 'none')
  const isInForce =
    !situation.opened && plan.failsafes === undefined && plan.finish.write.length === 0 && plan.finish.remove.length === 0 && missing.length === 0
  const [danger, ...more] = isInForce ? [] : dangersOf(facts, plan)
  if (danger !== undefined) {
    const others = more.length === 0 ? '' : ` (and ${more.map(({ object }) => object).join(', ')})`
    throw new FwError('FW_FOREIGN', `${danger.object} makes this firewall unsafe${others}`, { why: danger.why, fix: danger.remedy })
  }
  const unwanted = isInForce ? [] : bypassed.filter(({ node }) => !accepted.hostFirewalls.some((name) => nodeNamed(name, facts.nodes)?.name === node))
  if (unwanted.length > 0) throw hostFirewallError(unwanted)
  const proof = provePlan({ facts: accepted.unseen.includes('operator-address') ? withoutOperator(facts) : facts, plan })
  if (proof.refusals.length > 0) throw proofError(proof.refusals)
  const unseen = isInForce ? [] : unseenDangers(facts, closed, accepted.unseen)
  if (unseen.length > 0) throw unseenError(unseen)
  return { plan, missing, proof, packets: () => (isInForce ? nothingChanges : planPackets(facts, plan)), isInForce }
}

/** On trial, and once it is kept: what was taken over is gone then, and ours carry their lasting names and labels. */
const dangersOf = (facts: Facts, plan: Plan): ForeignDanger[] => {
  const hostEndpoints = plan.batches.flatMap((batch) => batch.hostEndpoints)
  const trial = foreignDangers({ ...facts, plannedHostEndpoints: hostEndpoints, policies: [...facts.policies, ...plan.policies.filter(isPolicy)] })
  if (plan.adoption === undefined) return trial
  const gone = new Set<KubeObject>([...plan.adoption.hostEndpoints, ...plan.adoption.policies])
  const lasting = plan.finish.write.filter(isHostEndpoint)
  const stay = <Kind extends KubeObject>(objects: readonly Kind[]) => objects.filter((one) => !gone.has(one))
  const besides = stay(facts.hostEndpoints).filter((one) => !isWildcard(one))
  return [...trial, ...foreignDangers({ ...facts, plannedHostEndpoints: lasting, hostEndpoints: besides, policies: stay(facts.policies) })]
}

const nothingChanges: PlanPackets = { changes: [], nodes: [], leftOut: undefined }

const refuseUnknownNodes = (names: readonly string[], { nodes }: Facts): void => {
  const unknown = names.find((name) => nodeNamed(name, nodes) === undefined)
  if (unknown === undefined) return
  const meant = closest(
    unknown,
    nodes.map(({ name }) => name),
  )
  throw new FwError('FW_UNKNOWN_NODE', `--accept-host-firewall names "${unknown}", and there is no such node`, {
    fix: meant === undefined ? 'see them: kubectl get nodes' : `did you mean ${meant}?`,
  })
}

const givenUp = ({ node, rules }: BypassedFirewall): Notice => ({
  level: 'warning',
  text: `What ${node}'s own firewall drops opens with its HostEndpoint, for good: ${rules
    .slice(0, 3)
    .map(({ text }) => text)
    .join('; ')}${rules.length > 3 ? ` and ${rules.length - 3} more` : ''}.`,
})

/** An address nobody knows and the operator does not care for is asked about no more. */
const withoutOperator = (facts: Facts): Facts => ({ ...facts, unseen: facts.unseen.filter(({ kind }) => kind !== 'operator-address') })
