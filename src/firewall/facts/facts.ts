import type { Direction, EffectiveFailsafes } from '../../calico/failsafes.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { FelixConfiguration, GlobalNetworkPolicy, HostEndpoint, NetworkSet, Tier } from '../../calico/shapes.ts'
import type { Address } from '../../net/address.ts'
import type { Cidr } from '../../net/cidr.ts'
import type { PortProtocol, PortRange } from '../../net/port.ts'
import type { Components } from './components.ts'
import type { Inspection } from './inspection.ts'

/**
 * How Calico stores its objects; decides where we write. `native`: projectcalico.org/v3 as CRDs. `aggregated`: behind Calico's own API server.
 * `storage`: in crd.projectcalico.org/v1 alone. `etcd`: not in Kubernetes. `migrating`: between two of them.
 */
export type Flavour = 'native' | 'aggregated' | 'storage' | 'etcd' | 'migrating'
/** What Felix programs. */
export type Dataplane = 'iptables' | 'nftables' | 'bpf' | 'unknown'
/** kube-proxy's mode. */
export type ProxyMode = 'iptables' | 'ipvs' | 'nftables' | 'none' | 'unknown'

/** A network interface of a node, as far as the cluster tells. */
export interface InterfaceFacts {
  readonly name: string
  readonly addresses: readonly Address[]
  /** Which rung of discovery said so, for example `annotation projectcalico.org/Interfaces`. */
  readonly source: string
  /** When that was written or seen, RFC 3339; absent where nobody tells. */
  readonly at?: string
}

/** One node. */
export interface NodeFacts {
  readonly name: string
  readonly ready: boolean
  readonly controlPlane: boolean
  readonly operatingSystem: string
  readonly unschedulable: boolean
  readonly labels: Readonly<Record<string, string>>
  /** InternalIP and ExternalIP of the Node status, in its order; the first InternalIP is what the API server dials. */
  readonly addresses: readonly { readonly type: 'InternalIP' | 'ExternalIP'; readonly address: Address }[]
  /** Every other address known to be this node's: Calico annotations, tunnels, second NICs. */
  readonly otherAddresses: readonly { readonly address: Address; readonly source: string }[]
  readonly interfaces: readonly InterfaceFacts[]
  /** The networks its addresses stand in, where the cluster tells a prefix length (annotation projectcalico.org/IPv4Address). */
  readonly networks?: readonly Cidr[]
  readonly podCidrs: readonly Cidr[]
  /** calico-node's pod on this node, when there is one. */
  readonly calicoNode?: { readonly pod: string; readonly namespace: string; readonly ready: boolean; readonly restarts: number }
  /** Where its kubelet listens, where that is not 10250. */
  readonly kubeletPort?: number
  /** What a look into the node found; absent where nobody looked. */
  readonly inspected?: Inspection
}

/** One port of a Service. */
export interface ServicePortFacts {
  readonly name?: string
  readonly protocol: PortProtocol
  readonly port: number
  readonly nodePort?: number
}

/** One Service, with where its endpoints are. */
export interface ServiceFacts {
  readonly namespace: string
  readonly name: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  readonly clusterIPs: readonly Address[]
  readonly externalIPs: readonly Address[]
  readonly loadBalancerIPs: readonly Address[]
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  /** Only endpoints of the caller's own node are used under its ClusterIPs; absent: Cluster. */
  readonly internalTrafficPolicy?: 'Local'
  /** Who may use its LoadBalancer addresses; absent: everyone. */
  readonly loadBalancerSourceRanges?: readonly Cidr[]
  readonly healthCheckNodePort?: number
  readonly ports: readonly ServicePortFacts[]
  /** Ready endpoints from the EndpointSlices; `port` by service port name is in `ports`. */
  readonly endpoints: readonly {
    readonly address: Address
    readonly node?: string
    readonly ports: readonly { readonly name?: string; readonly port: number }[]
  }[]
}

/** A container port with `hostPort`: CNI portmap leads this port of the node to a pod on it. */
export interface HostPortFacts {
  readonly node: string
  /** The only address of the node that answers; absent: all of them. */
  readonly hostIP?: Address
  readonly protocol: PortProtocol
  readonly hostPort: number
  readonly pod: Address
  readonly port: number
}

/** A Service the API server itself calls: a webhook's, or an aggregated API's. */
export interface CalleeFacts {
  /** `ValidatingWebhookConfiguration gatekeeper`, `APIService v1beta1.metrics.k8s.io`. */
  readonly caller: string
  readonly namespace: string
  readonly service: string
  readonly port: number
}

/** A webhook the API server calls by URL, off its own node. */
export interface UrlCalleeFacts {
  readonly caller: string
  /** An address or a name. */
  readonly host: string
  readonly port: number
}

/** One Calico IPPool, as far as it decides how pods' packets look between nodes. */
export interface IpPoolFacts {
  readonly cidr: Cidr
  readonly natOutgoing: boolean
  readonly ipipMode: 'Never' | 'Always' | 'CrossSubnet'
  readonly vxlanMode: 'Never' | 'Always' | 'CrossSubnet'
}

/** One address under which somebody reaches the API server. */
export interface ApiEndpoint {
  readonly address: Address
  readonly port: number
  /** For example `kubeconfig`, `EndpointSlice default/kubernetes`, `ConfigMap kubernetes-services-endpoint`. */
  readonly sources: readonly string[]
  /** The node that owns the address, when it is one's. */
  readonly node?: string
}

/** What may stay unseen, by the name under which an operator accepts it. What is `other` decides nothing. */
export const unseenKinds = [
  'host-input-rules',
  'interfaces',
  'operator-address',
  'kube-proxy',
  'api-endpoints',
  'environment',
  'webhooks',
  'services',
  'policies',
  'host-ports',
  'other',
] as const
/** One of {@link unseenKinds}. */
export type UnseenKind = (typeof unseenKinds)[number]

/** Something discovery could not look at. It is shown, never assumed fine. */
export interface Unseen {
  readonly kind: UnseenKind
  readonly what: string
  readonly why: string
  /** The nodes it is about; absent: all of them, or none in particular. */
  readonly nodes?: readonly string[]
}

/** The version of saved facts this tool reads and writes. */
export const factsVersion = 'calico-fw.github.io/v1alpha1'

/** Everything the tool knows about one cluster: one plain JSON value that can be saved, loaded and shown. */
export interface Facts {
  readonly apiVersion: typeof factsVersion
  readonly kind: 'Facts'
  /** RFC 3339. */
  readonly gatheredAt: string
  readonly cluster: { readonly context: string; readonly server: string; readonly uid: string; readonly kubernetesVersion: string }
  readonly calico: {
    readonly flavour: Flavour
    readonly version?: string
    readonly dataplane: Dataplane
    /** calico-node's namespace: `calico-system` (operator) or `kube-system` (manifest). */
    readonly namespace: string
    /** How calico-node's pods are selected there, for the nodes Service. */
    readonly nodePodLabels: Readonly<Record<string, string>>
  }
  readonly kubeProxy: {
    readonly mode: ProxyMode
    readonly nodePortRange: PortRange
    readonly source: string
    /** kube-proxy's own `nodePortAddresses`, where it names any: networks, or `primary`. */
    readonly nodePortAddresses?: readonly string[]
  }
  readonly nodes: readonly NodeFacts[]
  readonly podCidrs: readonly Cidr[]
  /** Every IPPool; absent where they could not be read, and then every way of carrying pods' packets counts as possible. */
  readonly ipPools?: readonly IpPoolFacts[]
  readonly serviceCidrs: readonly Cidr[]
  readonly services: readonly ServiceFacts[]
  /** Container ports published on nodes; absent where pods were not looked at. */
  readonly hostPorts?: readonly HostPortFacts[]
  /** Services behind admission webhooks and aggregated APIs; absent where they could not be read. */
  readonly callees?: readonly CalleeFacts[]
  /** Webhooks by URL; absent where there are none. */
  readonly urlCallees?: readonly UrlCalleeFacts[]
  /** What else the cluster lives on; absent in facts of older versions. */
  readonly components?: Components
  readonly apiEndpoints: readonly ApiEndpoint[]
  /**
   * Addresses and ports Felix and Typha dial for the datastore; each must be a failsafe before anything closes: a Felix that cannot reconnect hears of
   * no opening.
   */
  readonly felixPeers: readonly ApiEndpoint[]
  /** Effective failsafes by node name. */
  readonly failsafes: Readonly<Record<string, Readonly<Record<Direction, EffectiveFailsafes>>>>
  readonly felixConfigurations: readonly FelixConfiguration[]
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
  readonly networkSets: readonly NetworkSet[]
  readonly tiers: readonly Tier[]
  /** Objects found in both API groups under different names, or in crd.projectcalico.org/v1 alone: up to Calico 3.31 policies are stored as `default.NAME`. */
  readonly duplicates: readonly { readonly kind: string; readonly v3: string; readonly storage: string }[]
  /** Admission webhooks that match the gate's Jobs or NetworkSets. */
  readonly gateWebhooks: readonly { readonly name: string; readonly resources: readonly string[]; readonly failurePolicy: string }[]
  /** Our own objects already in the cluster: sets, policies, checkpoints' index is read by the store. */
  readonly own: readonly KubeObject[]
  /** The addresses the operator's machine uses towards the API; how the cluster sees us unless there is NAT between. */
  readonly operatorAddresses: readonly Address[]
  readonly unseen: readonly Unseen[]
}
