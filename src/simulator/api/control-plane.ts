import type { Clock } from '../../rollout/clock.ts'
import type { Admission } from './admission.ts'
import type { Authorizer } from './authorization.ts'
import type { Ids } from './ids.ts'
import type { Kind } from './kind.ts'
import type { Store } from './store.ts'

/** Whether Calico's own API server answers: `frozen` calls hang, `down` ones fail at once with 503. */
type AggregatedState = 'serving' | 'frozen' | 'down'

/** Everything the API and its controllers share. */
export interface ControlPlane {
  readonly store: Store
  readonly kinds: readonly Kind[]
  readonly clock: Clock
  readonly ids: Ids
  readonly admission: Admission
  readonly authorizer: Authorizer
  /** Calico's API server, where there is one. */
  readonly aggregated: { state: AggregatedState }
}

/** RFC 3339 with seconds, as `metav1.Time` is written. */
export const timestamp = (clock: Clock): string =>
  clock
    .wall()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')

/** RFC 3339 with microseconds, as `metav1.MicroTime` is written. */
export const microTimestamp = (clock: Clock): string => clock.wall().toISOString().replace(/Z$/, '000Z')

/** The kind of an apiVersion, where the cluster serves it. */
export const findKind = ({ kinds }: ControlPlane, apiVersion: string, kind: string): Kind | undefined =>
  kinds.find((one) => one.kind === kind && (one.group === '' ? one.version : `${one.group}/${one.version}`) === apiVersion)

/** The kind of an apiVersion. @throws Error when the cluster does not serve it */
export const kindOf = (plane: ControlPlane, apiVersion: string, kind: string): Kind => {
  const found = findKind(plane, apiVersion, kind)
  if (found === undefined) throw new Error(`this cluster serves no ${apiVersion} ${kind}`)
  return found
}

/** Whether an object of this kind can be reached now: behind a frozen or dead aggregated API none can. */
export const isReachable = ({ aggregated }: ControlPlane, kind: Kind): boolean => kind.view === undefined || aggregated.state === 'serving'
