import { gatePolicyName, keys, orders } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, Rule } from '../calico/shapes.ts'
import type { Flavour } from '../firewall/facts.ts'
import { gateJob, gateSet } from '../firewall/gate.ts'
import { policyObject } from '../firewall/policy-object.ts'
import { anyRun, gateOf } from '../firewall/selectors.ts'
import { type BeforeImage, type Checkpoint, earliestImages, parseNumber } from './checkpoint.ts'
import { counter } from './init-steps.ts'
import type { RunConfig } from './state.ts'
import type { GateObjects, Step } from './steps.ts'
import { restoreSteps } from './undo-steps.ts'

/** The before-images that lead back to how the cluster was after change `to`; 0 is before this tool's first write. */
export const imagesBackTo = (checkpoints: readonly Checkpoint[], to: number): BeforeImage[] =>
  earliestImages(checkpoints.filter(({ number }) => parseNumber(number).change > to))

/** Whether going back only takes openings away: then nothing is opened first, it closes on trial instead. */
export const onlyCloses = (images: readonly BeforeImage[]): boolean =>
  images.some(isAllow) && images.every((image) => isAllow(image) || image.ref.kind === 'ConfigMap' || image.ref.kind === 'FelixConfiguration')

const isAllow = ({ ref, before }: BeforeImage): boolean =>
  ref.kind === 'GlobalNetworkPolicy' && before === null && ref.name.startsWith('calico-fw-allow-')

/** What every rollback is given. */
export interface Rollback {
  readonly change: number
  readonly to: number
  readonly images: readonly BeforeImage[]
  readonly config: RunConfig
}

/** Back to a state that was more open, or to none at all: open everything, put objects back, verify, and only then let the older firewall close again. */
export const openingRollback = ({ change, to, images, config }: Rollback): Step[] => [
  // The way back needs no flag: it takes over from a dead client by itself.
  { kind: 'lock', title: 'take the lock', takeOver: true },
  { kind: 'baseline', title: 'probe what works today' },
  { kind: 'checkpoint', title: `before rolling back to ${to}`, number: counter(change)(), refs: images.map(({ ref }) => ref) },
  ...restoreSteps(images, { open: true, state: { config, gate: undefined } }),
  ...(to === 0
    ? [{ kind: 'remove-namespace', title: 'remove namespace calico-fw' } as const]
    : [{ kind: 'unlock', title: 'release the lock' } as const]),
]

/**
 * Takes openings back on trial: a Deny of exactly what they allow, ordered before them and in force only while its gate stands.
 * Kept, the openings themselves are deleted; not kept, the Deny goes.
 */
export const closingRollback = (
  { change, to, images, config }: Rollback,
  { policies, flavour, closedNodes }: { policies: readonly GlobalNetworkPolicy[]; flavour: Flavour; closedNodes: readonly string[] },
): Step[] => {
  const number = counter(change)
  const gone = images.filter(isAllow).map(({ ref }) => ref)
  const overlay = denyOverlay(
    change,
    policies.filter(({ metadata }) => gone.some(({ name }) => name === metadata.name)),
  )
  const gate = { job: gateJob(change, config.windowSeconds), set: gateSet(change, flavour) }
  const others = images.filter((image) => !isAllow(image))
  return [
    // The way back needs no flag: it takes over from a dead client by itself.
    { kind: 'lock', title: 'take the lock', takeOver: true },
    { kind: 'preflight', title: 'ask the API server about every write', objects: [overlay, gate.job, gate.set] },
    { kind: 'rehearse', title: 'rehearse the gate', gate },
    { kind: 'baseline', title: 'probe what works today' },
    {
      kind: 'checkpoint',
      title: `before rolling back to ${to}`,
      number: number(),
      refs: [refOf(overlay), refOf(gate.job), refOf(gate.set), ...gone, ...others.map(({ ref }) => ref)],
    },
    { kind: 'write', title: 'write the Deny on trial', objects: [overlay], closes: [] },
    { kind: 'settle', title: 'let Felix learn it', what: 'sync' },
    { kind: 'arm', title: 'arm the gate: the openings close', gate },
    { kind: 'settle', title: 'let Felix close them', what: 'sync' },
    { kind: 'probe', title: 'probe with them closed', scope: { closedNodes } },
    { kind: 'ask', title: 'keep them closed?', scope: { closedNodes } },
    { kind: 'probe', title: 'probe once more', scope: { closedNodes } },
    { kind: 'gate-alive', title: 'the gate still holds' },
    { kind: 'commit', title: 'delete the openings', objects: [], removes: gone },
    { kind: 'probe', title: 'probe without them', scope: { closedNodes } },
    { kind: 'disarm', title: 'disarm the gate', gate, policies: [refOf(overlay)] },
    ...(others.length === 0 ? [] : [{ kind: 'restore', title: 'restore the rest', images: others } as const]),
    { kind: 'unlock', title: 'release the lock' },
  ]
}

/** The rules of these policies as Denies that need the gate: both source conditions must match, so without the gate's set they match nothing. */
const denyOverlay = (change: number, policies: readonly GlobalNetworkPolicy[]): KubeObject =>
  policyObject({
    name: gatePolicyName(change),
    role: 'gate',
    order: orders.overlay(change),
    selector: anyRun,
    ingress: policies.flatMap(({ spec }) =>
      (spec.ingress ?? [])
        .filter(({ action }) => action === 'Allow')
        .map((rule): Rule => ({ ...rule, action: 'Deny', source: { ...rule.source, ...gateOf(change) } })),
    ),
    labels: { [keys.change]: `${change}` },
  })

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
  { kind: 'adopt', title: `find the gate of change ${change}`, gate },
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
