import { isOurs } from '../calico/names.ts'
import { refOf } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { coverOf, isOverAnother } from '../firewall/adoption/adoption.ts'
import { type BeforeImage, checkpointVersion, distinct, earliestImages } from './checkpoint.ts'
import type { RunState } from './state.ts'
import type { Step } from './steps.ts'

/** Something of another's, which a kept adoption deletes. */
export const isAdopted = ({ ref, before }: BeforeImage): boolean =>
  ['HostEndpoint', 'GlobalNetworkPolicy'].includes(ref.kind) && before !== null && !isOurs(before)

/** Whether it writes HostEndpoints over another's: that one's firewall is in force again when they go, until ours is kept and theirs is deleted. */
const writesOverAnother = (step: Step): boolean => step.kind === 'write' && step.objects.some(isOverAnother)

/** The groups an undo puts back, in this order: sets outlive the policies that name them (else connections are lost in between), failsafes come last. */
const groups: readonly { readonly title: string; readonly holds: (image: BeforeImage) => boolean }[] = [
  { title: 'HostEndpoints', holds: ({ ref }) => ref.kind === 'HostEndpoint' },
  { title: 'policies', holds: ({ ref }) => ref.kind === 'GlobalNetworkPolicy' },
  { title: 'the gate', holds: ({ ref }) => ref.kind === 'Job' || ref.kind === 'NetworkSet' },
  { title: 'sets and Services', holds: ({ ref }) => ref.kind === 'GlobalNetworkSet' || ref.kind === 'Service' },
  { title: 'the saved firewall', holds: ({ ref }) => ref.kind === 'ConfigMap' },
  { title: 'failsafe ports', holds: ({ ref }) => ref.kind === 'FelixConfiguration' },
]

/** How a run that turned round gets back to where it began. */
export const undoSteps = (state: RunState): Step[] => {
  const images = earliestImages([
    { apiVersion: checkpointVersion, kind: 'Checkpoint', number: '0', title: '', at: '', by: '', command: '', images: state.images },
  ])
  // What another client closed is not in these images: it stays open by the open set alone.
  const config = state.ofAnother ? { ...state.config, opened: true } : state.config
  // Before the commit theirs is untouched, and in force again once ours give way.
  const givesWay = !state.committed && state.steps.some(writesOverAnother) ? [config.change] : undefined
  const changed = givesWay === undefined ? images : images.filter((image) => !isAdopted(image))
  const open = state.mayBeClosed || config.opensFirst === true
  const steps = images.length === 0 ? [] : restoreSteps(changed, { open, state: { ...state, config }, givesWay })
  return state.locked ? [...steps, { kind: 'unlock', title: 'release the lock' }] : steps
}

/**
 * Puts objects back to their before-images: open everything first where something may be closed, see it open, then HostEndpoints, policies,
 * the gate, sets, failsafes, and the open set last. A FelixConfiguration that stops Felix goes first instead: until it is mended nothing else is programmed.
 */
export const restoreSteps = (
  images: readonly BeforeImage[],
  { open, state, givesWay }: { open: boolean; state: Pick<RunState, 'config' | 'gate'>; givesWay?: readonly number[] | undefined },
): Step[] => {
  const { openSet, change: run } = state.config
  const opening: Step[] = open
    ? [
        givesWay !== undefined
          ? { kind: 'open', title: 'give way to the firewall that was there before', openSet, gate: state.gate?.objects, run, givesWay }
          : { kind: 'open', title: 'open everything', openSet, gate: state.gate?.objects, run },
        { kind: 'see-open', title: 'see it open', run },
      ]
    : []
  const closing: Step[] = open && !state.config.opened ? [{ kind: 'drop-open-set', title: 'remove the open set', openSet }] : []
  const verifying: Step = { kind: 'verify', title: 'verify objects and probes', images, ...(open ? { reopened: true } : {}) }
  return [...opening, ...restoring(images, run), verifying, ...closing]
}

/** Puts these objects back, group by group, and waits for Felix where it follows. */
export const restoring = (images: readonly BeforeImage[], run: number): Step[] => {
  const { covers, adopted } = adoptedBack(images, run)
  const rest = [...images.filter((image) => !adopted.includes(image)), ...covers.map(({ ref }): BeforeImage => ({ ref, before: null }))]
  // Under somebody else's firewall a failsafe of ours that is narrow would stay closed if the client died on the way: the lists come back while everything is open.
  const order = adopted.length === 0 ? groups : [...groups.slice(-1), ...groups.slice(0, -1)]
  const [first = [], ...others] = order.map(({ title, holds }) => restored(title, distinct(rest.filter(holds))))
  return adopted.length === 0 ? [...first, ...others.flat()] : [...first, ...comingBack(covers, adopted), ...others.flat()]
}

/** What was taken over, and what of ours stands before it while it comes back. */
const adoptedBack = (images: readonly BeforeImage[], run: number): { covers: readonly BeforeImage[]; adopted: readonly BeforeImage[] } => {
  const adopted = images.filter(isAdopted)
  const theirs = adopted.flatMap(({ before }) => (before?.kind === 'HostEndpoint' ? [before as HostEndpoint] : []))
  return { adopted, covers: theirs.map((one) => coverOf(one, run)).map((before) => ({ ref: refOf(before), before })) }
}

/** Behind HostEndpoints of ours: their policies first, for a HostEndpoint without them drops everything, then theirs. When ours go, each node has all of it. */
const comingBack = (covers: readonly BeforeImage[], adopted: readonly BeforeImage[]): Step[] => [
  ...restored('our HostEndpoints before those that were taken over', covers),
  ...restored(
    'the policies that were taken over',
    adopted.filter(({ ref }) => ref.kind === 'GlobalNetworkPolicy'),
  ),
  ...restored(
    'the HostEndpoints that were taken over',
    adopted.filter(({ ref }) => ref.kind === 'HostEndpoint'),
  ),
  ...(covers.length === 0 ? [] : [{ kind: 'settle', title: 'let Felix learn them', what: 'sync' } as const]),
]

const restored = (title: string, images: readonly BeforeImage[]): Step[] =>
  images.length === 0 ? [] : [{ kind: 'restore', title: `restore ${title}`, images }, ...settling(images)]

/** Felix follows a policy at once, and a failsafe edit by a restart. */
const settling = (group: readonly BeforeImage[]): Step[] => {
  if (group.some(({ ref }) => ref.kind === 'GlobalNetworkPolicy')) return [{ kind: 'settle', title: 'let Felix drop the policies', what: 'sync' }]
  if (group.some(({ ref }) => ref.kind === 'FelixConfiguration'))
    return [{ kind: 'settle', title: 'wait until every Felix is back', what: 'restart' }]
  return []
}
