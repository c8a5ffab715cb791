import type { Flavour } from '../firewall/facts/facts.ts'
import { kindOf } from './api/control-plane.ts'
import { writeObject } from './api/write.ts'
import type { Cluster } from './cluster.ts'
import { calicoApiService } from './seed/calico-seed.ts'

/** Calico's own API server, as a test or the demo handles it. */
export interface AggregatedApi {
  /** Calls hang until it is thawed. */
  freeze(): void
  thaw(): void
  /** Calls fail at once with 503, and its APIService is no longer Available. */
  stop(): void
}

/** The switch of a cluster's aggregated API. */
export const createAggregated = ({ plane, aggregated }: Cluster, flavour: Flavour): AggregatedApi => {
  const report = (status: 'True' | 'False'): void => {
    const live = plane.store.get('apiservices.apiregistration.k8s.io', undefined, 'v3.projectcalico.org')
    if (live === undefined) return
    const kind = kindOf(plane, 'apiregistration.k8s.io/v1', 'APIService')
    const call = { user: 'system:kube-aggregator', manager: 'kube-apiserver', subresource: 'status' } as const
    writeObject(plane, kind, { ...live, status: calicoApiService(flavour, status)['status'] }, live, call)
  }
  return {
    freeze: () => {
      plane.aggregated.state = 'frozen'
      aggregated.close()
    },
    thaw: () => {
      plane.aggregated.state = 'serving'
      aggregated.open()
      report('True')
    },
    stop: () => {
      plane.aggregated.state = 'down'
      aggregated.open()
      report('False')
    },
  }
}
