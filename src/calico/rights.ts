import { names, toolNamespace } from './names.ts'
import { type Resource, resourceOf, storage, v3 } from './resources.ts'

/**
 * Who may do what with this tool. `read` looks, `recover` also opens, `operate` also closes. `nodes` is for whoever looks into nodes and asks from them:
 * it amounts to root on every node, so it is a role of its own, and everything works without it, with less seen.
 */
export const roles = ['read', 'recover', 'operate', 'nodes'] as const
/** One of {@link roles}. */
export type Role = (typeof roles)[number]

/** Where a right is needed: the whole cluster, our namespace, or the one calico-node runs in. */
export type Where = 'cluster' | 'tool' | 'calico'

/** One rule of a role: these verbs on this resource, as RBAC counts them. */
export interface Right {
  readonly group: string
  /** The plural, with `/subresource` where it is one. */
  readonly resource: string
  readonly verbs: readonly string[]
  readonly where: Where
  /** Only objects of these names. */
  readonly names?: readonly string[]
  /** Needed where Calico's objects are served this way alone: the switches live in its storage where an API server of its own, which may be down, stands before it. */
  readonly only?: 'native' | 'aggregated'
}

interface More {
  readonly where?: Where
  readonly names?: readonly string[]
  readonly only?: 'native' | 'aggregated'
}

const right = ({ group, plural }: Pick<Resource, 'group' | 'plural'>, verbs: string, { where = 'cluster', ...more }: More = {}): Right => ({
  group,
  resource: plural,
  verbs: verbs.split(' '),
  where,
  ...more,
})
const core = (kind: string) => resourceOf('v1', kind)
const calico = (kind: string) => resourceOf(v3, kind)
const stored = (kind: string) => resourceOf(storage, kind)

const looking: readonly Right[] = [
  right(core('Node'), 'list'),
  right(core('Pod'), 'list'),
  right(core('Service'), 'list'),
  right(core('Namespace'), 'get', { names: ['kube-system', toolNamespace] }),
  right(core('ConfigMap'), 'get', {
    names: ['kubeadm-config', 'kube-proxy', 'cluster-info', 'kubernetes-services-endpoint', 'calico-config', 'canal-config'],
  }),
  ...['DaemonSet', 'Deployment', 'StatefulSet'].map((kind) => right(resourceOf('apps/v1', kind), 'list')),
  right(resourceOf('apps/v1', 'Deployment'), 'get', { names: ['calico-typha'] }),
  right(resourceOf('discovery.k8s.io/v1', 'EndpointSlice'), 'list'),
  right(resourceOf('networking.k8s.io/v1', 'ServiceCIDR'), 'list'),
  right(resourceOf('coordination.k8s.io/v1', 'Lease'), 'list'),
  right(resourceOf('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'), 'list'),
  right(resourceOf('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'), 'list'),
  right(resourceOf('apiregistration.k8s.io/v1', 'APIService'), 'get list'),
  right({ group: 'operator.tigera.io', plural: 'installations' }, 'list'),
  right({ group: 'migration.projectcalico.org', plural: 'datastoremigrations' }, 'list'),
  right(resourceOf('metallb.io/v1beta2', 'BGPPeer'), 'list'),
  ...[calico, stored].flatMap((of) => [
    ...['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet', 'NetworkSet', 'FelixConfiguration', 'IPPool', 'BGPConfiguration', 'BGPPeer'].map(
      (kind) => right(of(kind), 'list'),
    ),
    // Asked only where an IPPool is disabled: whether anything still has an address of it.
    right(of('BlockAffinity'), 'list'),
    right(of('Tier'), 'list'),
    right(of('ClusterInformation'), 'get', { names: ['default'] }),
  ]),
  // Calico asks for these two besides the plain one, and hides from a list what lies in a tier one may not see (apiserver/pkg/registry/projectcalico, 3.32).
  right(calico('Tier'), 'get'),
  right({ group: 'projectcalico.org', plural: 'tier.globalnetworkpolicies' }, 'list'),
  right(core('ConfigMap'), 'get list', { where: 'tool' }),
  right(resourceOf('batch/v1', 'Job'), 'list', { where: 'tool' }),
  right(resourceOf('coordination.k8s.io/v1', 'Lease'), 'get', { where: 'tool' }),
]

const opening: readonly Right[] = [
  right(calico('GlobalNetworkSet'), 'create patch'),
  right(stored('GlobalNetworkSet'), 'create patch', { only: 'aggregated' }),
  // One by one where there are only storage CRDs: no selector sees their labels.
  right(calico('HostEndpoint'), 'delete deletecollection'),
  // Whether the policy stands that the open set opens by.
  right(calico('GlobalNetworkPolicy'), 'get', { names: [names.basePolicy] }),
  right({ group: 'projectcalico.org', plural: 'tier.globalnetworkpolicies' }, 'get'),
]

const closing: readonly Right[] = [
  right(calico('HostEndpoint'), 'get create patch delete deletecollection'),
  right(calico('GlobalNetworkPolicy'), 'get create patch delete'),
  // Calico’s own servers ask for these besides; its webhook for native objects says `update` where the API says `patch` (webhooks/pkg/rbac, 3.32).
  right(calico('Tier'), 'get'),
  right({ group: 'projectcalico.org', plural: 'tier.globalnetworkpolicies' }, 'get list create update patch delete'),
  right(calico('GlobalNetworkSet'), 'get create patch delete'),
  right(stored('GlobalNetworkSet'), 'get create patch delete', { only: 'aggregated' }),
  right(calico('FelixConfiguration'), 'create'),
  right(calico('FelixConfiguration'), 'get patch delete', { names: [names.felixConfiguration] }),
  right(calico('NetworkSet'), 'get create patch delete', { where: 'tool', only: 'native' }),
  right(stored('NetworkSet'), 'get create patch delete', { where: 'tool', only: 'aggregated' }),
  right(resourceOf('batch/v1', 'Job'), 'get create patch delete', { where: 'tool' }),
  right(core('ConfigMap'), 'create patch delete', { where: 'tool' }),
  right(resourceOf('coordination.k8s.io/v1', 'Lease'), 'create update delete', { where: 'tool' }),
  right(core('Service'), 'create', { where: 'calico' }),
  right(core('Service'), 'get patch delete', { where: 'calico', names: [names.nodesService] }),
]

const enteringNodes: readonly Right[] = [
  right({ group: '', plural: 'nodes/proxy' }, 'get'),
  right({ group: '', plural: 'pods/exec' }, 'get create', { where: 'calico' }),
  right(core('Pod'), 'get create delete', { where: 'calico' }),
  right({ group: '', plural: 'pods/log' }, 'get', { where: 'calico' }),
]

/** What each role may do, by itself: `operate` and `recover` include `read`. `nodes` stands beside any of them. */
export const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
  read: looking,
  recover: [...looking, ...opening],
  operate: [...looking, ...closing],
  nodes: enteringNodes,
}

/** What a run writes with, its undo included: asked for before the first write. */
export const rightsToWrite: readonly Right[] = closing

/**
 * What a run needs besides for FelixConfigurations of single nodes, `node.NAME`: failsafes get narrower on one before all. No role has it, for RBAC knows no
 * names by their beginning, and without names it would be every FelixConfiguration.
 */
export const rightsToNarrow = (configurations: readonly string[]): Right[] => {
  const own = configurations.filter((name) => name !== names.felixConfiguration)
  return own.length === 0 ? [] : [right(calico('FelixConfiguration'), 'get patch delete', { names: own })]
}
