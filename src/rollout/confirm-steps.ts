import { egressGateName, gatePolicyName, plainName } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { runOf } from '../firewall/facts/standing.ts'
import { sameSpec } from '../firewall/objects/same-spec.ts'
import type { Plan } from '../firewall/plan/plan.ts'
import { distinct } from './checkpoint.ts'
import { finishSteps, isGatePolicy } from './init-steps.ts'
import type { GateObjects, Step } from './steps.ts'

/** What is kept. */
export interface Confirmation {
  readonly change: number
  /** A checkpoint number of this change nobody has used. */
  readonly number: string
  readonly deny: KubeObject
  /** What only the commit may narrow. */
  readonly finish: Plan['finish']
  readonly gate: GateObjects
  readonly closedNodes: readonly string[]
}

/** Keeping a trial that another client left armed: the same checks, the same commit. */
export const confirmSteps = ({ change, number, deny, finish, gate, closedNodes }: Confirmation): Step[] => [
  { kind: 'lock', title: 'take the lock' },
  { kind: 'baseline', title: 'expect everything to work', assume: true },
  { kind: 'find-gate', title: `find the gate of change ${change}`, gate },
  ...(finish.write.length === 0
    ? []
    : [{ kind: 'preflight', title: 'ask the API server about every write', objects: [deny, ...finish.write] } as const]),
  { kind: 'checkpoint', title: 'before the commit', number, refs: distinct([...[deny, ...finish.write].map(refOf), ...finish.remove]) },
  { kind: 'probe', title: 'probe', scope: { closedNodes } },
  { kind: 'ask', title: 'keep the firewall?', scope: { closedNodes } },
  { kind: 'probe', title: 'probe once more', scope: { closedNodes } },
  { kind: 'gate-alive', title: 'the gate still holds' },
  { kind: 'commit', title: 'keep it: write the lasting Deny', objects: [deny], removes: [] },
  ...finishSteps({ finish }),
  { kind: 'probe', title: 'probe under the lasting Deny', scope: { closedNodes } },
  {
    kind: 'disarm',
    title: 'disarm the gate',
    gate,
    policies: [gatePolicyName(change), egressGateName(change)].map((name) => ({ apiVersion: deny.apiVersion, kind: deny.kind, name })),
  },
  { kind: 'unlock', title: 'release the lock' },
]

/** Nothing is left to do. */
export const nothingToFinish: Plan['finish'] = { write: [], remove: [] }

/**
 * What is left to do for a trial that another client left, by a plan of the same file and change made now; undefined where some interface was never tried, other
 * rules were tried than the file has now, or failsafes were not yet narrowed: it would narrow without a gate. The trial's own gates and HostEndpoints are not among it.
 */
export const finishOfTrial = (
  { change, batches, policies, finish, narrowing }: Plan,
  { hostEndpoints, policies: present }: { readonly hostEndpoints: readonly HostEndpoint[]; readonly policies: readonly KubeObject[] },
): Plan['finish'] | undefined => {
  if (narrowing !== undefined) return undefined
  const tried = new Set(hostEndpoints.filter((one) => runOf(one) === change).map(({ metadata }) => metadata.name))
  if (!batches.every((batch) => batch.hostEndpoints.every(({ metadata }) => tried.has(metadata.name)))) return undefined
  const isTried = (gate: KubeObject) => present.some((one) => plainName(one.metadata.name) === gate.metadata.name && sameSpec(one, gate))
  if (!policies.filter(isGatePolicy).every(isTried)) return undefined
  const own = new Set([...tried, gatePolicyName(change), egressGateName(change)])
  return { write: finish.write, remove: finish.remove.filter(({ name }) => !own.has(plainName(name))) }
}
