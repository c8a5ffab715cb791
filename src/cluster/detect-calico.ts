import * as v from 'valibot'
import type { KubeObject } from '../calico/object.ts'
import { resourceOf, storage, v3 } from '../calico/resources.ts'
import { FwError } from '../errors.ts'
import type { Dataplane, Flavour, ProxyMode } from '../firewall/facts/facts.ts'
import type { Api, CallOptions } from './api.ts'
import { dataplaneOf, flavourOf } from './flavour.ts'
import { type CalicoNode, findCalicoNode } from './pods/calico-node.ts'

/** The Calico of a cluster. */
export interface DetectedCalico {
  readonly flavour: Flavour
  /** For example `v3.32.1`; absent when neither ClusterInformation nor the image's tag says. */
  readonly version?: string
  readonly dataplane: Dataplane
  /** calico-node's namespace; `kube-system` when no calico-node is in sight. */
  readonly namespace: string
  readonly nodePodLabels: Readonly<Record<string, string>>
  /** Absent when calico-node runs outside the cluster's sight: its environment, which may overrule FelixConfiguration, is then unknown. */
  readonly calicoNode?: CalicoNode
  /** Group and version in which Calico's own objects can be read: the one users speak where it is served. */
  readonly readableAs: typeof v3 | typeof storage
  /** False when the aggregated Calico API server does not answer. */
  readonly apiAvailable: boolean
  /** Phase of a DatastoreMigration. */
  readonly migrationPhase?: string
  readonly windowsNodes: readonly string[]
  /** spec.calicoNetwork.linuxDataplane of the operator's Installation. */
  readonly linuxDataplane?: string
}

const apiGroups = v.object({ groups: v.array(v.object({ name: v.string() })) })
const apiService = v.object({
  spec: v.object({ service: v.nullish(v.object({ name: v.nullish(v.string()) })) }),
  status: v.nullish(v.object({ conditions: v.nullish(v.array(v.object({ type: v.string(), status: v.string() })), []) })),
})
const migrations = v.object({ items: v.array(v.object({ status: v.nullish(v.object({ phase: v.nullish(v.string()) })) })) })
const installations = v.object({
  items: v.array(v.object({ spec: v.nullish(v.object({ calicoNetwork: v.nullish(v.object({ linuxDataplane: v.nullish(v.string()) })) })) })),
})
const clusterInformation = v.object({ spec: v.object({ calicoVersion: v.nullish(v.string()) }) })
const felixSpec = v.nullish(v.object({ bpfEnabled: v.nullish(v.boolean()), nftablesMode: v.nullish(v.string()) }))

/**
 * Looks at how Calico is installed, by reading only. `proxyMode` decides what `nftablesMode: Auto` means.
 * @throws FwError FW_UNSUPPORTED when there is no Calico; whatever the API calls throw
 */
export const detectCalico = async (
  api: Api,
  { proxyMode = 'unknown', ...options }: CallOptions & { readonly proxyMode?: ProxyMode } = {},
): Promise<DetectedCalico> => {
  const [root, service, calicoNode, windows] = await Promise.all([
    api.request('GET', '/apis', undefined, options),
    api.get({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', name: 'v3.projectcalico.org' }, options),
    findCalicoNode(api, options),
    api.list(resourceOf('v1', 'Node'), { ...options, labelSelector: 'kubernetes.io/os=windows' }),
  ])
  const groups = new Set(v.parse(apiGroups, root).groups.map(({ name }) => name))
  const registered = v.safeParse(apiService, service)
  const aggregated = registered.success && registered.output.spec.service != null
  const listOf = (group: string, path: string): Promise<unknown> =>
    groups.has(group) ? api.request('GET', path, undefined, options) : Promise.resolve({ items: [] })
  const [migrationList, installationList] = await Promise.all([
    listOf('migration.projectcalico.org', '/apis/migration.projectcalico.org/v1beta1/datastoremigrations'),
    listOf('operator.tigera.io', '/apis/operator.tigera.io/v1/installations'),
  ])
  const migration = v.parse(migrations, migrationList).items[0]
  // A migration that has not begun yet has no phase.
  const migrationPhase = migration === undefined ? undefined : migration.status?.phase || 'Pending'
  const served = { v3: groups.has('projectcalico.org') || service !== undefined, storage: groups.has('crd.projectcalico.org') }
  const flavour = flavourOf({
    ...served,
    aggregated,
    datastoreType: calicoNode?.env.DATASTORE_TYPE,
    apiGroup: calicoNode?.env.CALICO_API_GROUP,
    migrationPhase,
  })
  if (flavour === undefined) throw noCalico()
  const apiAvailable = !(
    registered.success && registered.output.status?.conditions.some(({ type, status }) => type === 'Available' && status !== 'True')
  )
  const readableAs = served.v3 && (apiAvailable || !served.storage) ? v3 : storage
  const [information, felixConfigurations] = await Promise.all([
    api.get({ apiVersion: readableAs, kind: 'ClusterInformation', name: 'default' }, options),
    api.list(resourceOf(readableAs, 'FelixConfiguration'), options),
  ])
  const version = versionOf(information, calicoNode?.image)
  const linuxDataplane = v.parse(installations, installationList).items[0]?.spec?.calicoNetwork?.linuxDataplane ?? undefined
  const dataplane = dataplaneOf({
    env: { bpfEnabled: calicoNode?.env.FELIX_BPFENABLED, nftablesMode: calicoNode?.env.FELIX_NFTABLESMODE },
    felix: felixOf(felixConfigurations ?? []),
    linuxDataplane,
    version,
    proxyMode,
  })
  return {
    flavour,
    ...(version === undefined ? {} : { version }),
    dataplane,
    namespace: calicoNode?.namespace ?? 'kube-system',
    nodePodLabels: calicoNode?.podLabels ?? { 'k8s-app': 'calico-node' },
    ...(calicoNode === undefined ? {} : { calicoNode }),
    readableAs,
    apiAvailable,
    ...(migrationPhase === undefined ? {} : { migrationPhase }),
    windowsNodes: (windows ?? []).map(({ metadata }) => metadata.name),
    ...(linuxDataplane === undefined ? {} : { linuxDataplane }),
  }
}

const felixOf = (objects: readonly KubeObject[]): { bpfEnabled: boolean | undefined; nftablesMode: string | undefined }[] =>
  objects
    .toSorted((one, other) => Number(other.metadata.name === 'default') - Number(one.metadata.name === 'default'))
    .map(({ spec }) => {
      const parsed = v.safeParse(felixSpec, spec)
      return {
        bpfEnabled: (parsed.success ? parsed.output?.bpfEnabled : undefined) ?? undefined,
        nftablesMode: (parsed.success ? parsed.output?.nftablesMode : undefined) ?? undefined,
      }
    })

/** What Calico says of itself, else the tag of calico-node's image; a digest says nothing. */
const versionOf = (information: KubeObject | undefined, image: string | undefined): string | undefined => {
  const parsed = v.safeParse(clusterInformation, information)
  const told = parsed.success ? parsed.output.spec.calicoVersion : undefined
  return told || /:(v?\d+\.\d+\.\d+[^@/]*)(?:@|$)/.exec(image ?? '')?.[1]
}

const noCalico = (): FwError =>
  new FwError('FW_UNSUPPORTED', 'this cluster has no Calico', {
    why: 'its API serves neither projectcalico.org nor crd.projectcalico.org, and no calico-node says that it uses etcd',
    fix: 'choose the cluster that runs Calico: --context NAME',
  })
