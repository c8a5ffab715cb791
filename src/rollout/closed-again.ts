import { keys, names, orders, plainName } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint } from '../calico/shapes.ts'
import type { Flavour } from '../firewall/facts/facts.ts'
import { committedRuns, denyPolicy } from '../firewall/objects/deny-policy.ts'
import { egressGate, egressPolicy, letOutBy } from '../firewall/objects/egress-policy.ts'
import { gateJob, gatePolicy, gateSet } from '../firewall/objects/gate.ts'
import { runsIn } from '../firewall/objects/selectors.ts'
import { applicable, type BeforeImage } from './checkpoint.ts'
import type { RunConfig } from './state.ts'
import type { GateObjects } from './steps.ts'

/** What a state that is gone back to keeps closed, and what it takes to close it under a gate of the rollback's own. */
export interface ClosedAgain {
  /** The HostEndpoints that are closed there, as members of the rollback's run. */
  readonly hostEndpoints: readonly KubeObject[]
  readonly gate: GateObjects
  readonly gatePolicies: readonly KubeObject[]
  /** What may leave in that state, the rollback's run among those it is for; undefined where everything does. */
  readonly egress: KubeObject | undefined
  /** The lasting Deny of that state, the rollback's run among those it names. */
  readonly deny: KubeObject
  /** What brings back exactly those HostEndpoints and these policies, once the trial is kept. */
  readonly last: readonly BeforeImage[]
}

/** What is in the cluster now. */
export interface Present {
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly flavour: Flavour
}

/** What the state these images lead to keeps closed; undefined where it closes nothing. */
export const closedAgain = (
  images: readonly BeforeImage[],
  { hostEndpoints, policies, flavour }: Present,
  { change, windowSeconds }: Pick<RunConfig, 'change' | 'windowSeconds'>,
): ClosedAgain | undefined => {
  const thenPolicies = backThen(policies, images, 'GlobalNetworkPolicy')
  const committed = committedRuns(thenPolicies)
  const closed = backThen(hostEndpoints, images, 'HostEndpoint').filter(({ metadata }) => committed.includes(Number(metadata.labels?.[keys.run])))
  if (closed.length === 0) return undefined
  const deny = denyPolicy([...committed, change])
  const policyThen = (name: string) => thenPolicies.find(({ metadata }) => plainName(metadata.name) === name)
  const [thenDeny, thenEgress] = [policyThen(names.denyPolicy), policyThen(names.egressPolicy)]
  const letOut = thenEgress && letOutBy(thenEgress)
  return {
    hostEndpoints: closed.map((read): KubeObject => {
      const { metadata, ...rest } = applicable(read)
      return {
        ...rest,
        apiVersion: read.apiVersion,
        kind: read.kind,
        metadata: { ...metadata, labels: { ...metadata.labels, [keys.run]: `${change}` } },
      }
    }),
    gate: { job: gateJob(change, windowSeconds), set: gateSet(change, flavour) },
    gatePolicies: [gatePolicy(change), ...(letOut === undefined ? [] : [egressGate(change, letOut, orders.trial(change))])],
    egress: letOut && egressPolicy(letOut, [...runsIn(thenEgress?.spec.selector ?? ''), change]),
    deny,
    last: [...closed, ...[thenDeny, thenEgress].filter((one) => one !== undefined)].map((before) => ({ ref: refOf(before), before })),
  }
}

/** The objects of one kind as they were: those of the images, and those that nothing has touched since. */
const backThen = <Kind extends KubeObject>(present: readonly Kind[], images: readonly BeforeImage[], kind: string): Kind[] => {
  const touched = images.filter(({ ref }) => ref.kind === kind)
  const names = new Set(touched.map(({ ref }) => formatRef(ref)))
  const kept = present.filter((object) => !names.has(formatRef(refOf(object))))
  return [...kept, ...touched.flatMap(({ before }) => (before === null ? [] : [before as Kind]))]
}
