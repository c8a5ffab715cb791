import { requireValid } from '../../calico/limits.ts'
import { type KubeObject, refOf } from '../../calico/object.ts'
import type { Labels } from '../../calico/selector.ts'
import type { HostEndpoint, NetworkSet } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { type Cidr, mergeCidrs } from '../../net/cidr.ts'
import { adoptionOf } from '../adoption/adoption.ts'
import { byText } from '../by-text.ts'
import type { Facts } from '../facts/facts.ts'
import { type Standing, standingOf } from '../facts/standing.ts'
import { firewallConfigMap } from '../file/firewall-text.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { denyPolicy } from '../objects/deny-policy.ts'
import { egressPolicy } from '../objects/egress-policy.ts'
import { gateJob, gateSet } from '../objects/gate.ts'
import { hostNets, nodeAddresses, nodesSet, openSet, trustedNets, trustedSet } from '../objects/network-sets.ts'
import { nodesService, toolNamespaceObject } from '../objects/tool-objects.ts'
import { planProbes } from '../probes/plan-probes.ts'
import { vantageOf } from '../probes/vantage.ts'
import { batchesOf } from './batches.ts'
import { differences } from './differences.ts'
import { failsafeChange } from './failsafe-change.ts'
import { inboundAfter } from './inbound-after.ts'
import { planNarrowing } from './narrowed-failsafes.ts'
import { notices } from './notices.ts'
import type { Plan } from './plan.ts'
import { closedInterfaces, planHostEndpoints, runsOf, wantedHostEndpoints } from './plan-host-endpoints.ts'
import { planPolicies } from './plan-policies.ts'
import { selectInterfaces } from './selection.ts'
import { refuseOverlaps } from './trusted-overlaps.ts'

/** What a plan is made from. */
export interface PlanInput {
  readonly firewall: HostFirewall
  readonly facts: Facts
  /** The number of this change: one more than the last. It labels HostEndpoints and names the gate. */
  readonly change: number
  /** Seconds until the cluster opens by itself when nobody renews. */
  readonly windowSeconds: number
  /** Take over the HostEndpoints others have on these interfaces; `workloads` are the labels of the cluster's pods. */
  readonly adopting?: { readonly workloads: readonly Labels[] }
}

/**
 * Makes the plan of a run: the same bytes for the same file, facts and number, in whatever order the facts come. `sets` and `policies` hold
 * every object the firewall consists of, also those that stand already: `sameSpec` tells which need a write. `batches` holds only
 * HostEndpoints that need one; without any nothing closes, and no gate policy is planned.
 * @throws FwError FW_UNKNOWN_INTERFACE, FW_BAD_FAILSAFE, FW_BAD_OBJECT, FW_OVERLAP, FW_UNSUPPORTED; FW_PREFLIGHT where it closes more and no node is Ready to try it on
 */
export const makePlan = ({ firewall, facts, change, windowSeconds, adopting }: PlanInput): Plan => {
  refuseOverlaps(facts, firewall.spec.trustedNets)
  const standing = standingOf(facts)
  const linux = facts.nodes.filter(({ operatingSystem }) => operatingSystem === 'linux')
  const selection = selectInterfaces(linux, firewall.spec.interfaces)
  const addresses = nodeAddresses(facts)
  const nodeNets = hostNets(addresses)
  const trusted = trustedNets(facts, firewall)
  const adoption = adopting === undefined ? undefined : adoptionOf(wantedHostEndpoints(selection, facts, change), facts, adopting.workloads)
  const over = adoption === undefined || adoption.inForce.size === 0 ? {} : { over: adoption.order }
  const policies = planPolicies({ firewall, standing, calicoNamespace: facts.calico.namespace, change, trusted, ...over })
  const sets = planSets(standing, nodeNets, trusted)
  const failsafes = failsafeChange(facts, firewall)
  const narrowing = planNarrowing(facts, firewall, failsafes)
  if (narrowing !== undefined && adoption !== undefined && adoption.inForce.size > 0) throw narrowedAndAdopted()
  const hostEndpoints = planHostEndpoints(selection, facts, standing, { change, all: policies.trial || narrowing !== undefined, adoption })
  const inbound = inboundAfter(facts, narrowing?.all ?? failsafes)
  const vantage = vantageOf(facts, [...nodeNets, ...trusted])
  const batches = batchesOf(hostEndpoints.write, facts)
  if (policies.trial && batches.length === 0 && hostEndpoints.keep.length > 0) throw nothingToTryOn(hostEndpoints.keep)
  const closed = closedInterfaces([...hostEndpoints.write, ...hostEndpoints.keep])
  const stayingOpen = facts.nodes.some(({ name }) => !closed.has(name))
  const runs = [...runsOf(hostEndpoints.keep, standing), ...(hostEndpoints.write.length > 0 ? [change] : [])]
  const plan: Plan = {
    change,
    firewall,
    failsafes,
    ...(narrowing === undefined || batches.length === 0 ? {} : { narrowing }),
    ...(adoption === undefined
      ? {}
      : { adoption: { hostEndpoints: adoption.hostEndpoints, policies: adoption.policies, staying: adoption.staying } }),
    sets: [
      toolNamespaceObject(),
      firewallConfigMap(firewall),
      nodesService(facts.calico, firewall.spec.egress === undefined && standing.egress === undefined ? [] : kubeletPorts(facts)),
      ...sets.now,
    ],
    policies: hostEndpoints.write.length === 0 ? policies.now : [...policies.now, ...policies.gates],
    gate: { job: gateJob(change, windowSeconds), set: gateSet(change, facts.calico.flavour) },
    batches,
    deny: denyPolicy(runs.length === 0 ? [change] : runs),
    finish: {
      write: [
        ...hostEndpoints.lasting,
        ...policies.finish.write,
        ...(policies.egress === undefined || hostEndpoints.write.length === 0
          ? []
          : [egressPolicy(policies.egress, policies.egressNarrows ? [change] : runs)]),
        ...sets.finish,
      ],
      remove: [...policies.finish.remove, ...[...hostEndpoints.obsolete, ...hostEndpoints.passing].map(refOf)].sort(
        (one, other) => byText(one.kind, other.kind) || byText(one.name, other.name),
      ),
    },
    openSet: openSet(facts.calico.flavour),
    probes: planProbes({
      facts,
      firewall,
      failsafes: inbound,
      nodeAddresses: addresses,
      vantage,
      closed,
      lastClosed: stayingOpen ? undefined : batches.at(-1)?.nodes.at(-1),
    }),
    differences: differences({
      facts,
      firewall,
      failsafes: inbound,
      newFailsafes: (failsafes?.added ?? []).flatMap(({ direction, port }) => (direction === 'inbound' && !port.net ? [port] : [])),
      nodeAddresses: addresses,
      trusted,
      closing: hostEndpoints.write.map(({ spec }) => ({ node: spec.node, interfaceName: spec.interfaceName ?? '' })),
      allowedBefore: [...standing.allows.values()].flatMap(({ spec }) => spec.ingress ?? []),
      trustedBefore: standing.trustedNets,
      narrowed: policies.narrowed,
      pings: policies.pings,
      egressNarrows: policies.egressNarrows,
      narrowing: narrowing !== undefined,
      standing: standing.runs.length > 0,
    }),
    notices: notices({
      ...{ facts, firewall, selection, failsafes: inbound, vantage },
      hostEndpoints: [...hostEndpoints.write, ...hostEndpoints.keep],
    }),
  }
  requireValid(objectsOf(plan))
  return plan
}

/** What narrows without one HostEndpoint on trial narrows for good, unseen. */
const nothingToTryOn = (kept: readonly HostEndpoint[]): FwError => {
  const nodes = [...new Set(kept.map(({ spec }) => spec.node))].sort(byText)
  return new FwError('FW_PREFLIGHT', 'no node is Ready to try on what this file takes away', {
    why: `NotReady: ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ` and ${nodes.length - 3} more` : ''}; there it would close for good, and nobody would see what it cuts`,
    fix: 'run it again when one of them is Ready; to open something at once: kubectl calico-fw add-vip',
  })
}

/** The gate opens our own policies; under another's firewall a failsafe that got narrow stays closed, and nothing would open it. */
const narrowedAndAdopted = (): FwError =>
  new FwError('FW_UNSUPPORTED', 'failsafes cannot get narrower in the change that takes over another firewall', {
    why: 'if it is not kept, that firewall is in force again, and what it lets in by a failsafe alone would stay closed',
    fix: 'adopt without narrowFailsafes first, then apply -f the file with it',
  })

/** Kubelets' ports, 10250 everywhere but where a node says otherwise. */
const kubeletPorts = ({ nodes }: Facts): number[] =>
  [...new Set(nodes.map(({ kubeletPort = 10_250 }) => kubeletPort))].sort((one, other) => one - other)

/** Every object a plan may write. */
export const objectsOf = (plan: Plan): KubeObject[] => [
  ...plan.sets,
  ...plan.policies,
  plan.gate.job,
  plan.gate.set,
  ...plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints),
  plan.deny,
  ...plan.finish.write,
  plan.openSet,
]

/** Sets of a firewall in force only grow before the commit: an address that is no longer a node's, or trusted, goes with it. */
const planSets = (
  { runs, nodeNets: nodesBefore, trustedNets: trustedBefore }: Standing,
  nodes: readonly Cidr[],
  trusted: readonly Cidr[],
): { now: NetworkSet[]; finish: NetworkSet[] } => {
  const pairs = [
    { set: nodesSet, wanted: nodes, found: nodesBefore },
    { set: trustedSet, wanted: trusted, found: trustedBefore },
  ]
  const planned = pairs.map(({ set, wanted, found }) => {
    const wide = runs.length === 0 ? wanted : mergeCidrs([...wanted, ...found])
    return { now: set(wide), later: wide.length === wanted.length && wide.every((net, at) => net === wanted[at]) ? [] : [set(wanted)] }
  })
  return { now: planned.map(({ now }) => now), finish: planned.flatMap(({ later }) => later) }
}
