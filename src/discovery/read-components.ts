import type { KubeObject } from '../calico/object.ts'
import { type Resource, resourceOf } from '../calico/resources.ts'
import type { FelixConfiguration } from '../calico/shapes.ts'
import type { DetectedCalico } from '../cluster/detect-calico.ts'
import type { Components } from '../firewall/facts/components.ts'
import type { HostPortFacts, NodeFacts } from '../firewall/facts/facts.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { bgpOf } from './bgp.ts'
import { distributionOf } from './distribution.ts'
import { etcdOf } from './etcd-members.ts'
import { felixSettingsOf } from './felix-settings.ts'
import { hostPortsOf } from './host-ports.ts'
import { holds, type NodeObject, type PodObject, type WorkloadObject } from './kube-objects.ts'
import type { KubernetesObjects } from './kubernetes-objects.ts'
import { ownerOf } from './owner.ts'
import { type Placed, programsOf } from './programs.ts'
import type { Reader } from './reader.ts'

/** What is known before the rest of the cluster is read. */
export interface ComponentSources {
  readonly kubernetes: KubernetesObjects
  readonly detected: DetectedCalico
  readonly nodes: readonly NodeFacts[]
  readonly felixConfigurations: readonly FelixConfiguration[]
}

/** The components, without the operator's own path, and the ports pods publish. */
export interface FoundComponents {
  readonly components: Omit<Components, 'operator' | 'timeServers'>
  readonly hostPorts: readonly HostPortFacts[] | undefined
}

/** Pods of more control-plane nodes than these are not read: nine are three times what etcd needs. */
const mostCentral = 9

/** Reads what else the cluster lives on: one request for each kind and control-plane node, and one for each workload with host ports. */
export const readComponents = async (
  reader: Reader,
  { kubernetes, detected, nodes, felixConfigurations }: ComponentSources,
): Promise<FoundComponents> => {
  const list = (kind: string) => reader.list(resourceOf('apps/v1', kind)) as Promise<WorkloadObject[] | undefined>
  const central = nodes.filter(({ controlPlane }) => controlPlane).slice(0, mostCentral)
  const podsOn = ({ name }: NodeFacts) => reader.list(resourceOf('v1', 'Pod'), { fieldSelector: `spec.nodeName=${name}` })
  // A group nobody serves lists as undefined, as one that is not shown; the reader has noted the latter.
  const others = (resource: Resource): Promise<readonly KubeObject[]> => reader.list(resource).then((found) => found ?? [])
  const [daemonSets, deployments, statefulSets, pods, configurations, calicoPeers, metallbPeers] = await Promise.all([
    list('DaemonSet'),
    list('Deployment'),
    list('StatefulSet'),
    Promise.all(central.map(podsOn)),
    others(resourceOf(detected.readableAs, 'BGPConfiguration')),
    others(resourceOf(detected.readableAs, 'BGPPeer')),
    others(resourceOf('metallb.io/v1beta2', 'BGPPeer')),
  ])
  const shown = pods.filter((one) => one !== undefined)
  const centralPods = (shown.length === 0 ? undefined : shown.flat()) as PodObject[] | undefined
  const ofWorkloads = [...(daemonSets ?? []), ...(deployments ?? []), ...(statefulSets ?? [])]
  const workloads = daemonSets === undefined && deployments === undefined && statefulSets === undefined ? undefined : ofWorkloads
  const placed: Placed[] = [
    ...(daemonSets ?? []).map((one) => ({ source: sourceOf(one), containers: one.spec?.template?.spec?.containers ?? [] })),
    ...(centralPods ?? []).map(
      (one): Placed => ({
        source: sourceOf(one),
        containers: one.spec?.containers ?? [],
        ...(one.spec?.nodeName === undefined ? {} : { node: one.spec.nodeName }),
      }),
    ),
  ]
  const etcdPods = (centralPods ?? []).filter(({ metadata }) => metadata.labels?.['component'] === 'etcd')
  const etcd = etcdOf(etcdPods, kubernetes.apiServerPods, nodes)
  const calicoDaemonSet = daemonSets?.find(
    ({ metadata, spec }) =>
      metadata.namespace === detected.namespace && spec?.template?.spec?.containers?.some(({ name }) => name === 'calico-node') === true,
  )
  return {
    components: {
      distribution: distributionOf(kubernetes.nodes as NodeObject[], kubernetes.kubeadmConfig !== undefined),
      calicoOwner: ownerOf(calicoDaemonSet),
      felixSettings: felixSettingsOf(detected.calicoNode?.env ?? {}, felixConfigurations),
      ...(etcd === undefined ? {} : { etcd }),
      bgp: bgpOf({ configurations, calicoPeers, metallbPeers, nodeAddresses: new Set(nodes.flatMap(addressesOf)) }),
      programs: programsOf(placed),
      unavailableApis: (kubernetes.apiServices ?? [])
        .filter(({ spec, status }) => spec?.service != null && !holds(status?.conditions, 'Available'))
        .map(({ metadata }) => metadata.name),
    },
    hostPorts: await hostPortsOf(reader, workloads, centralPods),
  }
}

const sourceOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
