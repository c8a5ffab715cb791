import { formatRef, type KubeObject, type ObjectRef, refOf } from '../../src/calico/object.ts'
import type { Step } from '../../src/rollout/steps.ts'
import type { Write } from './cluster.ts'

/** The key of an object in the abstract cluster; namespaces do not matter there. */
export const keyOf = (ref: ObjectRef): string => formatRef({ ...ref, apiVersion: '' }).replace(/ [^ ]*\//, ' ')
const put = (object: KubeObject): Write => ({ kind: 'put', key: keyOf(refOf(object)) })
const remove = (ref: ObjectRef): Write => ({ kind: 'delete', key: keyOf(ref) })

/** The key of an object in the abstract cluster. */
export const keyIn = (object: KubeObject): string => keyOf(refOf(object))

/** What performing a step sends, one request after the other: a crash falls between any two (src/rollout/perform). */
export const writesOf = (step: Step): Write[] => {
  switch (step.kind) {
    case 'lock':
      return [{ kind: 'lock', free: true }]
    case 'checkpoint':
      return [{ kind: 'checkpoint' }]
    case 'write':
      return step.objects.map(put)
    case 'remove':
      return step.refs.map(remove)
    case 'failsafes':
      return [{ kind: 'put', key: 'FelixConfiguration edited' }]
    case 'arm':
      return [{ kind: 'job', key: keyOf(refOf(step.gate.job)) }, put(step.gate.set)]
    case 'renew':
    case 'pulse':
      return [{ kind: 'renew' }]
    case 'commit':
      return [...step.objects.map(put), ...step.removes.map(remove)]
    case 'disarm':
      return [remove(refOf(step.gate.set)), remove(refOf(step.gate.job)), ...step.policies.map(remove)]
    case 'open':
      return [{ kind: 'put', key: keyOf(refOf(step.openSet)), free: true }]
    case 'drop-open-set':
      return [remove(refOf(step.openSet))]
    case 'restore':
      return step.images.map(({ ref, before }): Write => {
        if (ref.kind === 'FelixConfiguration') return { kind: 'delete', key: 'FelixConfiguration edited' }
        return before === null ? remove(ref) : { kind: 'put', key: keyOf(ref) }
      })
    case 'remove-namespace':
      return [{ kind: 'namespace' }]
    case 'unlock':
      return [{ kind: 'unlock', free: true }]
    default:
      return []
  }
}
