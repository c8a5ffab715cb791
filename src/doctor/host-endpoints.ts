import { isOurs, names } from '../calico/names.ts'
import type { KubeObject } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { type Check, error, some, warning } from './check.ts'

const isAutomatic = ({ metadata }: KubeObject): boolean => metadata.labels?.['projectcalico.org/created-by'] === 'calico-kube-controllers'
const edit = (one: HostEndpoint): string => `kubectl edit hostendpoint ${one.metadata.name}`

/** Groups of two or more that share a key. */
const sharing = (endpoints: readonly HostEndpoint[], keysOf: (one: HostEndpoint) => readonly string[]): [string, HostEndpoint[]][] => {
  const groups = new Map<string, HostEndpoint[]>()
  for (const one of endpoints) for (const key of new Set(keysOf(one))) groups.set(key, [...(groups.get(key) ?? []), one])
  return [...groups].filter(([, group]) => group.length > 1)
}

/** HostEndpoints of others, and what is wrong with any. */
export const hostEndpointChecks: readonly Check[] = [
  {
    id: 'FW-D401',
    category: 'foreign HostEndpoints',
    title: 'nobody else keeps HostEndpoints',
    look: ({ hostEndpoints }) => {
      const foreign = hostEndpoints.filter((one) => !isOurs(one) && !isAutomatic(one)).map(({ metadata }) => metadata.name)
      return foreign.length === 0
        ? []
        : [
            warning(
              `${some(foreign)} ${foreign.length === 1 ? 'is' : 'are'} somebody else’s (lokomotive#415)`,
              'kubectl get hostendpoints --show-labels; whoever keeps them, one of you must stop',
            ),
          ]
    },
  },
  {
    id: 'FW-D402',
    category: 'foreign HostEndpoints',
    title: 'automatic HostEndpoints are off',
    look: ({ hostEndpoints }) => {
      const automatic = hostEndpoints.filter(isAutomatic).map(({ metadata }) => metadata.name)
      return automatic.length === 0
        ? []
        : [
            warning(
              `${some(automatic)} are made by calico-kube-controllers: they take every interface a named one does not (calico#4478)`,
              'kubectl edit kubecontrollersconfigurations default   # spec.controllers.node.hostEndpoint.autoCreate: Disabled deletes them all',
            ),
          ]
    },
  },
  {
    id: 'FW-D403',
    category: 'foreign HostEndpoints',
    title: 'each interface has one HostEndpoint',
    look: ({ hostEndpoints }) =>
      sharing(hostEndpoints, ({ spec }) => (spec.interfaceName ? [`${spec.interfaceName} of ${spec.node}`] : [])).map(([where, group]) =>
        error(
          `${some(group.map(({ metadata }) => metadata.name))} all name ${where}: the alphabetically first wins`,
          `kubectl delete hostendpoint ${group.at(-1)?.metadata.name}`,
        ),
      ),
  },
  {
    id: 'FW-D404',
    category: 'foreign HostEndpoints',
    title: 'no two HostEndpoints claim one address',
    look: ({ hostEndpoints }) =>
      sharing(hostEndpoints, ({ spec }) => spec.expectedIPs ?? [])
        .filter(([, group]) => new Set(group.map(({ spec }) => spec.node)).size > 1)
        .map(([address, group]) =>
          error(
            `${some(group.map(({ metadata }) => metadata.name))} claim ${address} on different nodes (calico#2819)`,
            `kubectl edit hostendpoint ${group[0]?.metadata.name}`,
          ),
        ),
  },
  {
    id: 'FW-D405',
    category: 'foreign HostEndpoints',
    title: 'every HostEndpoint names an interface or an address',
    look: ({ hostEndpoints }) =>
      hostEndpoints
        .filter(({ spec }) => !spec.interfaceName && !spec.expectedIPs?.length)
        .map((one) => error(`HostEndpoint ${one.metadata.name} names neither: it closes nothing`, edit(one))),
  },
  {
    id: 'FW-D406',
    category: 'foreign HostEndpoints',
    title: 'every HostEndpoint that selectors rely on has its addresses',
    look: ({ hostEndpoints }) =>
      hostEndpoints
        .filter(({ spec }) => spec.interfaceName && !spec.expectedIPs?.length)
        .map((one) =>
          warning(`HostEndpoint ${one.metadata.name} has no expectedIPs: a rule’s selector never matches it (calico#2956, #4721)`, edit(one)),
        ),
  },
  {
    id: 'FW-D407',
    category: 'foreign HostEndpoints',
    title: 'every HostEndpoint has the profile that lets the node talk',
    look: ({ hostEndpoints }) =>
      hostEndpoints
        .filter(({ spec }) => !spec.profiles?.includes(names.defaultAllowProfile))
        .map((one) =>
          error(
            `HostEndpoint ${one.metadata.name} has profiles ${JSON.stringify(one.spec.profiles ?? [])}: without ${names.defaultAllowProfile} what no policy allows is dropped, also what node ${one.spec.node} sends`,
            edit(one),
          ),
        ),
  },
  {
    id: 'FW-D408',
    category: 'foreign HostEndpoints',
    title: 'no HostEndpoint takes every interface of its node',
    look: ({ hostEndpoints }) =>
      hostEndpoints
        .filter((one) => one.spec.interfaceName === '*' && !isAutomatic(one))
        .map((one) =>
          warning(
            `HostEndpoint ${one.metadata.name} is for "*": kubelet probes, tunnels and loopback are under policy too (calico#5292, #5572)`,
            edit(one),
          ),
        ),
  },
]
