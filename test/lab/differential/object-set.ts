import type { FailsafePort, GlobalNetworkPolicy, HostEndpoint, NetworkSet, Tier } from '../../../src/calico/shapes.ts'
import type { ServiceFacts } from '../../../src/firewall/facts/facts.ts'

/** What stays while many sets of objects come and go: changing it restarts every Felix, or waits for kube-proxy. */
export interface Era {
  readonly services: readonly ServiceFacts[]
  readonly tiers: readonly Tier[]
  readonly inbound: readonly FailsafePort[]
  readonly outbound: readonly FailsafePort[]
}

/** The Calico objects in force while some packets are judged. */
export interface ObjectSet {
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly networkSets: readonly NetworkSet[]
}
