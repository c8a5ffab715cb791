import type { KubeObject } from '../../calico/object.ts'
import type { FelixConfiguration, GlobalNetworkPolicy, HostEndpoint, NetworkSet, Tier } from '../../calico/shapes.ts'
import { readStorage } from '../api/calico-view.ts'
import type { ControlPlane } from '../api/control-plane.ts'

/** The Calico objects as they stood at one revision: what a Felix that read them then would program. */
export interface Snapshot {
  readonly revision: number
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly networkSets: readonly NetworkSet[]
  readonly tiers: readonly Tier[]
  readonly felixConfigurations: readonly FelixConfiguration[]
}

const tables = ['hostendpoints', 'globalnetworkpolicies', 'globalnetworksets', 'networksets', 'tiers', 'felixconfigurations'] as const

/** Whether a change of this table can change what Felix programs. */
export const isFelixTable = (resource: string): boolean =>
  tables.some((plural) => resource === `${plural}.projectcalico.org` || resource === `${plural}.crd.projectcalico.org`)

/** Reads the store as Felix does: native clusters keep v3 objects, all others the storage ones, whose metadata is in an annotation too. */
export const takeSnapshot = ({ store, kinds }: ControlPlane): Snapshot => {
  const native = kinds.some(({ group, view }) => group === 'projectcalico.org' && view === undefined)
  const read = <Shape extends KubeObject>(plural: (typeof tables)[number]): Shape[] =>
    (native ? store.list(`${plural}.projectcalico.org`) : store.list(`${plural}.crd.projectcalico.org`).map(readStorage)) as Shape[]
  return {
    revision: store.revision(),
    hostEndpoints: read('hostendpoints'),
    policies: read('globalnetworkpolicies'),
    networkSets: [...read<NetworkSet>('globalnetworksets'), ...read<NetworkSet>('networksets')],
    tiers: read('tiers'),
    felixConfigurations: read('felixconfigurations'),
  }
}
