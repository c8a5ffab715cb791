import { type BeforeImage, checkpointVersion, earliestImages } from './checkpoint.ts'
import type { RunState } from './state.ts'
import type { Step } from './steps.ts'

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
  const config = state.steps.some(({ kind }) => kind === 'adopt') ? { ...state.config, opened: true } : state.config
  const steps =
    images.length === 0 ? [] : restoreSteps(images, { open: state.mayBeClosed || config.opensFirst === true, state: { ...state, config } })
  return state.locked ? [...steps, { kind: 'unlock', title: 'release the lock' }] : steps
}

/**
 * Puts objects back to their before-images: open everything first where something may be closed, see it open, then HostEndpoints, policies,
 * the gate, sets, failsafes, and the open set last. A FelixConfiguration that stops Felix goes first instead: until it is mended nothing else is programmed.
 */
export const restoreSteps = (
  images: readonly BeforeImage[],
  { open, state }: { open: boolean; state: Pick<RunState, 'config' | 'gate'> },
): Step[] => {
  const { openSet, change: run } = state.config
  const opening: Step[] = open
    ? [
        { kind: 'open', title: 'open everything', openSet, gate: state.gate?.objects, run },
        { kind: 'see-open', title: 'see it open', run },
      ]
    : []
  const closing: Step[] = open && !state.config.opened ? [{ kind: 'drop-open-set', title: 'remove the open set', openSet }] : []
  return [...opening, ...restoring(images), { kind: 'verify', title: 'verify objects and probes', images }, ...closing]
}

/** Puts these objects back, group by group, and waits for Felix where it follows. */
export const restoring = (images: readonly BeforeImage[]): Step[] =>
  groups.flatMap(({ title, holds }): Step[] => {
    const group = images.filter(holds)
    if (group.length === 0) return []
    const step: Step = { kind: 'restore', title: `restore ${title}`, images: group }
    return [step, ...settling(group)]
  })

/** Felix follows a policy at once, and a failsafe edit by a restart. */
const settling = (group: readonly BeforeImage[]): Step[] => {
  if (group.some(({ ref }) => ref.kind === 'GlobalNetworkPolicy')) return [{ kind: 'settle', title: 'let Felix drop the policies', what: 'sync' }]
  if (group.some(({ ref }) => ref.kind === 'FelixConfiguration'))
    return [{ kind: 'settle', title: 'wait until every Felix is back', what: 'restart' }]
  return []
}
