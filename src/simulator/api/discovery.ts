import { apiVersionOf } from '../../calico/resources.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Kind } from './kind.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const resourceEntries = (kind: Kind) => [
  {
    ...{ name: kind.plural, singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind, verbs },
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
  },
  ...(kind.statusEndpoint
    ? [{ name: `${kind.plural}/status`, singularName: '', namespaced: kind.namespaced, kind: kind.kind, verbs: ['get', 'patch', 'update'] }]
    : []),
]

const review = { name: 'selfsubjectaccessreviews', singularName: '', namespaced: false, kind: 'SelfSubjectAccessReview', verbs: ['create'] }

/** The resources of one group and version. */
export const describeGroup = ({ kinds }: ControlPlane, group: string, version: string): unknown => {
  const served = kinds.filter((kind) => kind.group === group && kind.version === version)
  const groupVersion = group === '' ? version : `${group}/${version}`
  const proxy = group === '' ? [{ name: 'nodes/proxy', singularName: '', namespaced: false, kind: 'NodeProxyOptions', verbs: ['create', 'get'] }] : []
  const reviews = group === 'authorization.k8s.io' ? [review] : []
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [...served.flatMap(resourceEntries), ...proxy, ...reviews] }
}

const groupsOf = ({ kinds }: ControlPlane) => {
  const named = [...new Set([...kinds.filter(({ group }) => group !== '').map(apiVersionOf), 'authorization.k8s.io/v1'])]
  return named.map((groupVersion) => {
    const [name = '', version = ''] = groupVersion.split('/')
    return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
  })
}

/** What the cluster says of its version. */
const versionInfo = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitTreeState: 'clean', platform: 'linux/amd64' }

/** Paths outside the API groups: discovery, health and version; undefined for what is none of them. */
export const describeRoot = (plane: ControlPlane, path: string): unknown => {
  switch (path) {
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '192.168.218.171:6443' }],
      }
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(plane) }
    case '/version':
      return versionInfo
    case '/healthz':
    case '/livez':
    case '/readyz':
      return 'ok'
    default: {
      const group = groupsOf(plane).find(({ name }) => path === `/apis/${name}`)
      return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...group }
    }
  }
}
