import { formatRef, refOf } from '../calico/object.ts'
import { type BeforeImage, distinct } from './checkpoint.ts'
import type { ClosedAgain } from './closed-again.ts'
import { counter } from './init-steps.ts'
import { applied, type Rollback, wrote } from './rollback-steps.ts'
import type { Step } from './steps.ts'
import { restoring } from './undo-steps.ts'

/**
 * Back to a state that keeps nodes closed: everything opens, objects go back under the open set, and then the nodes close again as members of the
 * rollback's own run: by its gate alone, on trial, as `init` closes them. Kept, the lasting Deny names that run too, and then HostEndpoints and Deny
 * become exactly what they were.
 */
export const gatedRollback = ({ change, to, images, config }: Rollback, closed: ClosedAgain): Step[] => {
  const { hostEndpoints, gate, gatePolicies, deny, egress, last } = closed
  const lasting = [deny, ...(egress === undefined ? [] : [egress])]
  const held = new Set(last.map(({ ref }) => formatRef(ref)))
  const rest = images.filter(({ ref }) => !held.has(formatRef(ref)) && !lasting.some(({ metadata }) => metadata.name === ref.name))
  const nodes = [...new Set(hostEndpoints.map((object) => (object['spec'] as { node: string }).node))]
  const scope = { closedNodes: nodes }
  const refs = [...images.map(({ ref }) => ref), ...[...hostEndpoints, ...lasting, ...gatePolicies, gate.job, gate.set].map(refOf)]
  const [lastHostEndpoints, lastPolicies] = [last.filter(isHostEndpoint), last.filter((image) => !isHostEndpoint(image))]
  const back: Step[] = [
    { kind: 'restore', title: 'restore the run of HostEndpoints', images: lastHostEndpoints },
    ...(lastPolicies.length === 0 ? [] : [{ kind: 'restore', title: 'restore the lasting Deny', images: lastPolicies } as const]),
  ]
  return [
    { kind: 'lock', title: 'take the lock', takeOver: true },
    {
      kind: 'preflight',
      title: 'ask the API server about every write',
      objects: [...hostEndpoints, ...applied(rest), ...lasting, ...gatePolicies, gate.job, gate.set],
    },
    { kind: 'rehearse', title: 'rehearse the gate', gate },
    { kind: 'baseline', title: 'probe what works today' },
    { kind: 'checkpoint', title: `before rolling back to ${to}`, number: counter(change)(), refs: distinct(refs), ...wrote(images) },
    { kind: 'open', title: 'open everything', openSet: config.openSet, gate: undefined, run: change },
    { kind: 'see-open', title: 'see it open', run: change },
    ...restoring(rest, change),
    { kind: 'recheck', title: 'look for foreign policies', hostEndpoints },
    { kind: 'write', title: 'write the gate policy', objects: gatePolicies, closes: [] },
    { kind: 'write', title: 'put HostEndpoints under the gate', objects: hostEndpoints, closes: [] },
    { kind: 'settle', title: 'let Felix learn them', what: 'sync' },
    { kind: 'verify', title: 'verify objects and probes', images: rest },
    { kind: 'arm', title: 'arm the gate', gate },
    { kind: 'gate-alive', title: 'the gate still holds' },
    { kind: 'remove', title: 'close again: remove the open set', refs: [refOf(config.openSet)], closes: nodes },
    { kind: 'probe', title: 'probe with everything closed again', scope },
    { kind: 'renew', title: 'renew the deadline' },
    { kind: 'ask', title: 'keep it closed again?', scope },
    { kind: 'probe', title: 'probe once more', scope },
    { kind: 'gate-alive', title: 'the gate still holds' },
    { kind: 'commit', title: 'keep it: write the lasting Deny', objects: [deny], removes: [] },
    ...(egress === undefined ? [] : [{ kind: 'write', title: 'keep what may leave', objects: [egress], closes: [] } as const]),
    { kind: 'probe', title: 'probe under the lasting Deny', scope },
    { kind: 'disarm', title: 'disarm the gate', gate, policies: gatePolicies.map(refOf) },
    ...back,
    { kind: 'settle', title: 'let Felix follow', what: 'sync' },
    { kind: 'verify', title: 'verify objects and probes', images: distinct([...rest, ...last]) },
    { kind: 'probe', title: 'probe without the gate', scope },
    { kind: 'unlock', title: 'release the lock' },
  ]
}

const isHostEndpoint = ({ ref }: BeforeImage): boolean => ref.kind === 'HostEndpoint'
