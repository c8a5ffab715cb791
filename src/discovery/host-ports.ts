import { resourceOf } from '../calico/resources.ts'
import type { HostPortFacts } from '../firewall/facts/facts.ts'
import { portProtocols } from '../net/port.ts'
import type { PodObject, WorkloadObject } from './kube-objects.ts'
import { addressIn } from './loose-text.ts'
import type { Reader } from './reader.ts'

/** More workloads than these with host ports are not looked at one by one. */
const most = 20

const publishes = ({ spec }: WorkloadObject): boolean =>
  spec?.template?.spec?.hostNetwork !== true &&
  (spec?.template?.spec?.containers ?? []).some(({ ports = [] }) => ports.some(({ hostPort }) => hostPort !== undefined))

const selectorOf = ({ spec }: WorkloadObject): string | undefined => {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {})
  return labels.length === 0 ? undefined : labels.map(([key, value]) => `${key}=${value}`).join(',')
}

/**
 * Ports that pods publish on their nodes, found by the workloads that ask for them: all pods of a large cluster are too many to read. Pods of control-plane
 * nodes are looked at one by one, for static ones belong to no workload. Undefined where neither is shown.
 */
export const hostPortsOf = async (
  reader: Reader,
  workloads: readonly WorkloadObject[] | undefined,
  central: readonly PodObject[] | undefined,
): Promise<HostPortFacts[] | undefined> => {
  if (workloads === undefined && central === undefined) return undefined
  const publishing = (workloads ?? []).filter(publishes)
  if (publishing.length > most)
    reader.note({ kind: 'host-ports', what: 'host ports of some workloads', why: `${publishing.length} publish some, and ${most} are looked at` })
  const pods = await Promise.all(
    publishing.slice(0, most).map(async (workload) => {
      const labelSelector = selectorOf(workload)
      const namespace = workload.metadata.namespace ?? ''
      return labelSelector === undefined ? [] : ((await reader.list(resourceOf('v1', 'Pod'), { namespace, labelSelector })) ?? [])
    }),
  )
  const found = [...pods.flat(), ...(central ?? [])].flatMap((pod) => ofPod(pod as PodObject))
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()]
}

const ofPod = ({ metadata, spec, status }: PodObject): HostPortFacts[] => {
  const pod = addressIn(status?.podIP)
  const node = spec?.nodeName
  if (pod === undefined || node === undefined || spec?.hostNetwork === true || metadata.deletionTimestamp !== undefined) return []
  return (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, containerPort, protocol }): HostPortFacts[] => {
      if (hostPort === undefined || hostPort === 0) return []
      const only = addressIn(hostIP)
      const known = portProtocols.find((one) => one === protocol) ?? 'TCP'
      const base = { node, protocol: known, hostPort, pod, port: containerPort }
      return [only === undefined || only === '0.0.0.0' || only === '::' ? base : { ...base, hostIP: only }]
    }),
  )
}
