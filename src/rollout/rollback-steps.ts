import { failsafeFields } from '../calico/failsafes.ts'
import { allowPolicyName, gatePolicyName, keys, names, orders } from '../calico/names.ts'
import { type KubeObject, refOf } from '../calico/object.ts'
import type { GlobalNetworkPolicy, Rule } from '../calico/shapes.ts'
import type { Flavour } from '../firewall/facts/facts.ts'
import { gateJob, gateSet } from '../firewall/objects/gate.ts'
import { policyObject } from '../firewall/objects/policy-object.ts'
import { anyRun, gateOf } from '../firewall/objects/selectors.ts'
import { applicable, type BeforeImage, type Checkpoint, earliestImages, parseNumber } from './checkpoint.ts'
import { counter } from './init-steps.ts'
import type { RunConfig } from './state.ts'
import type { Step } from './steps.ts'
import { restoreSteps, restoring } from './undo-steps.ts'

/** The before-images that lead back to how the cluster was after change `to`; 0 is before this tool's first write. */
export const imagesBackTo = (checkpoints: readonly Checkpoint[], to: number): BeforeImage[] =>
  earliestImages(checkpoints.filter(({ number }) => parseNumber(number).change > to))

/** Whether it is of an opening: an allow policy of ours. */
export const isAllow = ({ ref }: BeforeImage): boolean => ref.kind === 'GlobalNetworkPolicy' && ref.name.startsWith(allowPolicyName(''))

/** What a restore applies, for the server to look at; FelixConfiguration is patched and not ours. */
export const applied = (images: readonly BeforeImage[]): KubeObject[] =>
  images.flatMap(({ ref, before }) => (before === null || ref.kind === 'FelixConfiguration' ? [] : [applicable(before)]))

/** Failsafe lists a restore writes: a rollback of the rollback knows them for its own. */
export const wrote = (images: readonly BeforeImage[]): { readonly wrote?: Readonly<Record<string, unknown>> } => {
  const image = images.find(({ ref }) => ref.kind === 'FelixConfiguration' && ref.name === names.felixConfiguration)
  if (image === undefined) return {}
  const spec = (image.before?.['spec'] ?? {}) as Record<string, unknown>
  const lists = Object.values(failsafeFields)
  return { wrote: Object.fromEntries(lists.map((list) => [list, spec[list] ?? null])) }
}

/** What every rollback is given. */
export interface Rollback {
  readonly change: number
  readonly to: number
  readonly images: readonly BeforeImage[]
  readonly config: RunConfig
  /** Runs that were tried over another's firewall, which is untouched: when their HostEndpoints go it is in force again. */
  readonly givesWay?: readonly number[] | undefined
}

/** Back to a state that closes nothing: open everything, put objects back, verify. */
export const openingRollback = ({ change, to, images, config, givesWay }: Rollback): Step[] => [
  // The way back needs no flag: it takes over from a dead client by itself.
  { kind: 'lock', title: 'take the lock', takeOver: true },
  { kind: 'baseline', title: 'probe what works today' },
  { kind: 'checkpoint', title: `before rolling back to ${to}`, number: counter(change)(), refs: images.map(({ ref }) => ref), ...wrote(images) },
  ...restoreSteps(images, { open: true, state: { config, gate: undefined }, givesWay }),
  ...(to === 0
    ? [{ kind: 'remove-namespace', title: 'remove namespace calico-fw' } as const]
    : [{ kind: 'unlock', title: 'release the lock' } as const]),
]

/** To 0 where every object is as before already: the namespace goes, with the lock and the checkpoints. */
export const clearing: readonly Step[] = [
  { kind: 'lock', title: 'take the lock', takeOver: true },
  { kind: 'remove-namespace', title: 'remove namespace calico-fw' },
]

/** Openings that were taken away come back: nothing closes, so nothing needs a gate. */
export const wideningRollback = ({ change, to, images }: Rollback): Step[] => [
  { kind: 'lock', title: 'take the lock', takeOver: true },
  { kind: 'preflight', title: 'ask the API server about every write', objects: applied(images) },
  { kind: 'baseline', title: 'probe what works today' },
  { kind: 'checkpoint', title: `before rolling back to ${to}`, number: counter(change)(), refs: images.map(({ ref }) => ref), ...wrote(images) },
  ...restoring(images, change),
  { kind: 'verify', title: 'verify objects and probes', images },
  { kind: 'unlock', title: 'release the lock' },
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
  const gone = images.filter((image) => isAllow(image) && image.before === null).map(({ ref }) => ref)
  const overlay = denyOverlay(
    change,
    policies.filter(({ metadata }) => gone.some(({ name }) => name === metadata.name)),
  )
  const gate = { job: gateJob(change, config.windowSeconds), set: gateSet(change, flavour) }
  const others = images.filter((image) => !isAllow(image) || image.before !== null)
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
      ...wrote(images),
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
    rules: policies.flatMap(({ spec }) =>
      (spec.ingress ?? [])
        .filter(({ action }) => action === 'Allow')
        .map((rule): Rule => ({ ...rule, action: 'Deny', source: { ...rule.source, ...gateOf(change) } })),
    ),
    labels: { [keys.change]: `${change}` },
  })
