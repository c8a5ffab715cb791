import type { RunState } from './state.ts'
import type { Step } from './steps.ts'

/**
 * The step at `at`, or why it is skipped after what has failed. Policies and sets keep open what a HostEndpoint closes: they stay while one could not be put back.
 * HostEndpoints stay while failsafes that come before them could not be: then another's firewall is beneath. The checkpoints, which the namespace holds, stay
 * while anything is left.
 */
export const performable = ({ steps, remaining }: RunState, at: number): Step | { readonly skip: string } | undefined => {
  const step = steps[at]
  const failedBefore = (kind: string): boolean =>
    steps.slice(0, at).some((one) => restores(one, [kind]) && remaining.some(({ title }) => title === one.title))
  if (step?.kind === 'remove-namespace' && remaining.length > 0) return { kind: 'unlock', title: 'release the lock' }
  if (step !== undefined && restores(step, keepsOpen) && failedBefore('HostEndpoint'))
    return { skip: 'a HostEndpoint is still there, and these keep it open' }
  if (step !== undefined && restores(step, ['HostEndpoint']) && failedBefore('FelixConfiguration'))
    return { skip: 'the failsafe ports are not back, and what comes into force again relies on them' }
  return step
}

const restores = (step: Step, kinds: readonly string[]): boolean => step.kind === 'restore' && step.images.some(({ ref }) => kinds.includes(ref.kind))

const keepsOpen = ['GlobalNetworkPolicy', 'GlobalNetworkSet', 'Service']
