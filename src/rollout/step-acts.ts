import { defaultFailsafes } from '../calico/failsafes.ts'
import { keys } from '../calico/names.ts'
import { type ObjectRef, refOf } from '../calico/object.ts'
import type { FelixConfiguration } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { Act } from '../proof/acts.ts'
import { failsafesAfter, withDefaultLists } from '../proof/failsafes-after.ts'
import type { BeforeImage } from './checkpoint.ts'
import type { Step } from './steps.ts'

/** The steps of a run as the proof sees them, in their order; a step that changes nothing a verdict can see is none. */
export const stepActs = (steps: readonly Step[], facts: Pick<Facts, 'failsafes' | 'hostEndpoints'>): Act[] => {
  let failsafes = facts.failsafes
  return steps.flatMap((step): Act[] => {
    const done = `"${step.title}"`
    switch (step.kind) {
      case 'write':
        return [{ done, write: step.objects }]
      case 'remove':
        return [{ done, remove: step.refs }]
      case 'commit':
        return [{ done, write: step.objects, remove: step.removes }]
      case 'failsafes':
        failsafes = failsafesAfter({ failsafes }, step.change)
        return [{ done, failsafes }]
      case 'arm':
        return [{ done, write: [step.gate.set], gate: step.gate.set }]
      case 'disarm':
        return [{ done, remove: [refOf(step.gate.set), ...step.policies] }]
      case 'open':
        if (step.givesWay !== undefined) return [{ done, remove: ours(facts), instead: { done: 'opened by the open set', write: [step.openSet] } }]
        return [{ done, write: [step.openSet], instead: { done: 'opened by deleting HostEndpoints', remove: ours(facts) } }]
      case 'drop-open-set':
        return [{ done, remove: [refOf(step.openSet)] }]
      case 'restore': {
        failsafes = step.images.reduce((now, image) => restored(now, image), failsafes)
        return [{ done, ...imagesBack(step.images), failsafes }]
      }
      default:
        return []
    }
  })
}

const ours = ({ hostEndpoints }: Pick<Facts, 'hostEndpoints'>): ObjectRef[] =>
  hostEndpoints.filter(({ metadata }) => metadata.labels?.[keys.run] !== undefined).map(refOf)

const imagesBack = (images: readonly BeforeImage[]): Pick<Act, 'write' | 'remove'> => ({
  write: images.flatMap(({ before }) => (before === null ? [] : [before])),
  remove: images.flatMap(({ ref, before }) => (before === null ? [ref] : [])),
})

/** FelixConfiguration `default` as it was; without it, or where it was silent, Felix's own lists are back. */
const restored = (now: Facts['failsafes'], { ref, before }: BeforeImage): Facts['failsafes'] => {
  // One node's own lists, tried before everybody's, go when those are the same: the model keeps the narrower of the two.
  if (ref.kind !== 'FelixConfiguration' || ref.name.startsWith('node.')) return now
  const spec = (before as FelixConfiguration | null)?.spec
  return withDefaultLists(now, {
    inbound: spec?.failsafeInboundHostPorts ?? defaultFailsafes.inbound,
    outbound: spec?.failsafeOutboundHostPorts ?? defaultFailsafes.outbound,
  })
}
