import { gatePolicyName } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import type { GateObjects, Step } from './steps.ts'

/** What is kept. */
export interface Confirmation {
  readonly change: number
  /** A checkpoint number of this change nobody has used. */
  readonly number: string
  readonly deny: KubeObject
  readonly gate: GateObjects
  readonly closedNodes: readonly string[]
}

/** Keeping a trial that another client left armed: the same checks, the same commit. */
export const confirmSteps = ({ change, number, deny, gate, closedNodes }: Confirmation): Step[] => [
  { kind: 'lock', title: 'take the lock' },
  { kind: 'find-gate', title: `find the gate of change ${change}`, gate },
  { kind: 'baseline', title: 'expect everything to work', assume: true },
  { kind: 'checkpoint', title: 'before the commit', number, refs: [refOf(deny)] },
  { kind: 'probe', title: 'probe', scope: { closedNodes } },
  { kind: 'ask', title: 'keep the firewall?', scope: { closedNodes } },
  { kind: 'probe', title: 'probe once more', scope: { closedNodes } },
  { kind: 'gate-alive', title: 'the gate still holds' },
  { kind: 'commit', title: 'keep it: write the lasting Deny', objects: [deny], removes: [] },
  { kind: 'probe', title: 'probe under the lasting Deny', scope: { closedNodes } },
  { kind: 'disarm', title: 'disarm the gate', gate, policies: [{ apiVersion: deny.apiVersion, kind: deny.kind, name: gatePolicyName(change) }] },
  { kind: 'unlock', title: 'release the lock' },
]
