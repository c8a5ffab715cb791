import { isOurs, keys, names, ownLabels } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { selects } from '../../calico/policies.ts'
import type { Labels } from '../../calico/selector.ts'
import type { GlobalNetworkPolicy, HostEndpoint } from '../../calico/shapes.ts'
import type { Facts } from '../facts/facts.ts'
import { trialName } from '../objects/host-endpoint-name.ts'
import type { Plan } from '../plan/plan.ts'
import { isWildcard, rivalsOf } from '../plan/rivals.ts'

/** Somebody else's firewall on interfaces that are to be ours: what governs them today, and what of it falls away once ours is kept. */
export interface Adoption {
  /** The HostEndpoint in force on a NIC today, by the name ours gets there. */
  readonly inForce: ReadonlyMap<string, HostEndpoint>
  /** HostEndpoints of others on those NICs, but for those that also govern other interfaces (`*`, Calico's automatic ones). */
  readonly hostEndpoints: readonly HostEndpoint[]
  /** Policies that govern nothing but those HostEndpoints. */
  readonly policies: readonly GlobalNetworkPolicy[]
  /** Policies that govern those NICs today and something else too: they stay, and must not govern ours. */
  readonly staying: readonly GlobalNetworkPolicy[]
  /** The smallest order among all of these policies; Infinity where none has one. */
  readonly order: number
}

/**
 * What is adopted on these interfaces. `workloads` are the labels of the cluster's pods: a policy that governs one is not the host firewall's alone.
 */
export const adoptionOf = (
  wanted: readonly HostEndpoint[],
  { hostEndpoints, policies }: Pick<Facts, 'hostEndpoints' | 'policies'>,
  workloads: readonly Labels[],
): Adoption => {
  const rivals = new Map(wanted.map((own) => [own.metadata.name, rivalsOf(own, hostEndpoints)]))
  const inForce = new Map([...rivals].flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first]])))
  const going = new Set([...rivals.values()].flat().filter((one) => !isWildcard(one)))
  const others = hostEndpoints.filter((one) => !going.has(one) && !isOurs(one)).map(({ metadata }) => metadata.labels ?? {})
  // A selector nobody can read might mean any of them.
  const mayGovern = (policy: GlobalNetworkPolicy, labels: Labels = {}): boolean => selects(policy, labels) !== false
  const governing = policies.filter(
    (policy) => !isOurs(policy) && [...rivals.values()].flat().some(({ metadata }) => mayGovern(policy, metadata.labels)),
  )
  const staying = governing.filter((policy) =>
    [...others, ...(policy.spec.preDNAT === true ? [] : workloads)].some((labels) => mayGovern(policy, labels)),
  )
  return {
    inForce,
    hostEndpoints: [...going],
    policies: governing.filter((policy) => !staying.includes(policy)),
    staying,
    order: Math.min(...governing.map(({ spec }) => spec.order ?? Number.POSITIVE_INFINITY)),
  }
}

/**
 * Our HostEndpoint while it is on trial over another's: it carries the other's labels, so that the policies that govern the NIC today go on behind ours and are
 * what is left when the gate opens; and a name before the other's, so that Felix obeys it and, once it is deleted, the other one again.
 */
export const onTrialOver = (own: HostEndpoint, theirs: HostEndpoint): HostEndpoint => ({
  ...own,
  metadata: {
    ...own.metadata,
    name: isWildcard(theirs) ? own.metadata.name : trialName(theirs.metadata.name),
    labels: { ...inheritable(theirs.metadata.labels), ...own.metadata.labels },
    annotations: { [keys.adopts]: theirs.metadata.name },
  },
})

/** Whether a HostEndpoint of ours stands before another's. */
export const isOverAnother = ({ metadata }: KubeObject): boolean => metadata.annotations?.[keys.adopts] !== undefined

/**
 * Without the label by which kube-controllers knows the automatic ones: it deletes those it did not make
 * (kube-controllers/pkg/controllers/node/hostendpoints.go `isAutoHostEndpoint`), and what selects by it alone opens with the gate.
 */
const inheritable = (labels: Labels = {}): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key !== 'projectcalico.org/created-by'))

/**
 * What stands before another's HostEndpoint while that one comes back: ours, open under the open set and governed by nobody else. Only when all of theirs are there
 * again does it go; a policy that trusts nodes by the labels of their HostEndpoints would else cut off those that are still missing.
 */
export const coverOf = ({ apiVersion, metadata, spec: { node, interfaceName, expectedIPs } }: HostEndpoint, change: number): HostEndpoint => ({
  ...{ apiVersion, kind: 'HostEndpoint' },
  metadata: { name: trialName(metadata.name), labels: ownLabels({ [keys.run]: `${change}` }) },
  spec: {
    node,
    ...(interfaceName === undefined ? {} : { interfaceName }),
    ...(expectedIPs === undefined ? {} : { expectedIPs }),
    profiles: [names.defaultAllowProfile],
  },
})

/** Everything of another's that a kept plan deletes. */
export const takenOver = ({ adoption }: Pick<Plan, 'adoption'>): KubeObject[] => [...(adoption?.hostEndpoints ?? []), ...(adoption?.policies ?? [])]
