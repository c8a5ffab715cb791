import { isAtLeast } from '../calico/version.ts'
import type { Dataplane, Flavour, ProxyMode } from '../firewall/facts/facts.ts'

/** What the API says about itself and about Calico's own groups. */
export interface ApiSigns {
  /** `projectcalico.org` is served. */
  readonly v3: boolean
  /** `crd.projectcalico.org` is served. */
  readonly storage: boolean
  /** APIService v3.projectcalico.org points at a Service: an aggregated API server stands behind it, not a CRD. */
  readonly aggregated: boolean
  /** DATASTORE_TYPE of calico-node; absent means kubernetes. */
  readonly datastoreType: string | undefined
  /** CALICO_API_GROUP of calico-node, which overrides what its components would find out. */
  readonly apiGroup: string | undefined
  /** Phase of a DatastoreMigration; absent when there is none. */
  readonly migrationPhase: string | undefined
}

/** What decides how Felix programs packets. */
export interface DataplaneSigns {
  /** FELIX_BPFENABLED and FELIX_NFTABLESMODE of calico-node; they beat FelixConfiguration (felix/config/config_params.go). */
  readonly env: { readonly bpfEnabled: string | undefined; readonly nftablesMode: string | undefined }
  /** bpfEnabled and nftablesMode of every FelixConfiguration, `default` first. */
  readonly felix: readonly { readonly bpfEnabled: boolean | undefined; readonly nftablesMode: string | undefined }[]
  /** spec.calicoNetwork.linuxDataplane of the operator's Installation. */
  readonly linuxDataplane: string | undefined
  /** Calico's version, for the default of nftablesMode. */
  readonly version: string | undefined
  /** What `nftablesMode: Auto` follows. */
  readonly proxyMode: ProxyMode
}

/**
 * How Calico stores its objects, by its own components' rule (libcalico-go/lib/backend/k8s/discovery.go): an explicit CALICO_API_GROUP, else v3
 * only where the storage group is absent. Undefined where there is no Calico.
 */
export const flavourOf = (signs: ApiSigns): Flavour | undefined => {
  if (signs.datastoreType?.toLowerCase() === 'etcdv3') return 'etcd'
  if (signs.migrationPhase !== undefined && signs.migrationPhase !== 'Complete') return 'migrating'
  if (!signs.v3) return signs.storage ? 'storage' : undefined
  // An aggregated API server without the storage CRDs keeps its objects in etcd.
  if (!signs.storage) return signs.aggregated ? 'etcd' : 'native'
  const readsV3 = signs.apiGroup?.toLowerCase() === 'projectcalico.org/v3'
  if (signs.aggregated) return readsV3 ? 'migrating' : 'aggregated'
  // Both groups are CRDs: unless told otherwise Felix reads the storage group, and what is written to v3 protects nothing.
  return readsV3 ? 'native' : 'migrating'
}

/** What Felix programs. Mixed clusters count as eBPF: one such node is enough for the rules to mean something else. */
export const dataplaneOf = (signs: DataplaneSigns): Dataplane => {
  const envBpf = felixBoolean(signs.env.bpfEnabled)
  if (envBpf ?? signs.felix.some(({ bpfEnabled }) => bpfEnabled === true)) return 'bpf'
  if (signs.linuxDataplane === 'BPF') return 'bpf'
  if (signs.linuxDataplane === 'VPP') return 'unknown'
  const mode =
    signs.env.nftablesMode ?? signs.felix[0]?.nftablesMode ?? (signs.linuxDataplane === 'Nftables' ? 'Enabled' : defaultNftablesMode(signs.version))
  if (mode.toLowerCase() === 'enabled') return 'nftables'
  if (mode.toLowerCase() === 'disabled') return 'iptables'
  return signs.proxyMode === 'unknown' ? 'unknown' : signs.proxyMode === 'nftables' ? 'nftables' : 'iptables'
}

/** Auto since 3.32, Disabled before. */
const defaultNftablesMode = (version: string | undefined): string => (isAtLeast(version, [3, 32]) ? 'Auto' : 'Disabled')

/** Felix's own words for a truth value (felix/config/param_types.go `BoolParam`). */
const felixBoolean = (text: string | undefined): boolean | undefined => {
  if (text === undefined) return undefined
  if (['true', '1', 'yes', 'y', 't'].includes(text.toLowerCase())) return true
  return ['false', '0', 'no', 'n', 'f'].includes(text.toLowerCase()) ? false : undefined
}
