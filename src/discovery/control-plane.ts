import * as v from 'valibot'
import { parse } from 'yaml'
import type { ProxyMode, Unseen } from '../firewall/facts/facts.ts'
import type { Cidr } from '../net/cidr.ts'
import { type PortRange, parsePortRange } from '../net/port.ts'
import { type ConfigMapObject, flagOf, type PodObject, type ServiceCidrObject } from './kube-objects.ts'
import { networkIn, networksIn } from './loose-text.ts'

const text = v.nullish(v.string())
const extraArgs = v.union([v.record(v.string(), v.string()), v.array(v.object({ name: v.string(), value: v.string() }))])
const clusterConfiguration = v.object({
  controlPlaneEndpoint: text,
  networking: v.nullish(v.object({ serviceSubnet: text })),
  apiServer: v.nullish(v.object({ extraArgs: v.nullish(extraArgs) })),
})
const proxyConfiguration = v.object({ mode: text, nodePortAddresses: v.nullish(v.array(v.string())) })
const kubeconfig = v.object({ clusters: v.array(v.object({ cluster: v.object({ server: v.string() }) })) })

/** What kubeadm wrote down about the cluster it made. */
export interface Kubeadm {
  readonly controlPlaneEndpoint: string | undefined
  readonly serviceSubnet: string | undefined
  readonly nodePortRange: string | undefined
}

/** ConfigMap kube-system/kubeadm-config; undefined where it is missing or cannot be read. */
export const kubeadmOf = (configMap: ConfigMapObject | undefined): Kubeadm | undefined => {
  const parsed = v.safeParse(clusterConfiguration, fromYaml(configMap?.data?.['ClusterConfiguration']))
  if (!parsed.success) return undefined
  const { controlPlaneEndpoint, networking, apiServer } = parsed.output
  const args = apiServer?.extraArgs ?? {}
  // A map up to kubeadm v1beta3, a list since v1beta4.
  const byName = new Map(Array.isArray(args) ? args.map(({ name, value }) => [name, value]) : Object.entries(args))
  return {
    controlPlaneEndpoint: controlPlaneEndpoint ?? undefined,
    serviceSubnet: networking?.serviceSubnet ?? undefined,
    nodePortRange: byName.get('service-node-port-range'),
  }
}

/** The server in a kubeconfig a ConfigMap holds under `key`, for example kube-public/cluster-info. */
export const serverIn = (configMap: ConfigMapObject | undefined, key: string): string | undefined => {
  const parsed = v.safeParse(kubeconfig, fromYaml(configMap?.data?.[key]))
  return parsed.success ? parsed.output.clusters[0]?.cluster.server : undefined
}

/** Service CIDRs: the ServiceCIDR objects (Kubernetes 1.33), else kubeadm-config, else the arguments of kube-apiserver. Undefined where nobody says. */
export const serviceCidrsOf = (
  objects: readonly ServiceCidrObject[],
  kubeadm: Kubeadm | undefined,
  apiServers: readonly PodObject[],
): Cidr[] | undefined => {
  const rungs = [
    objects.flatMap(({ spec }) => (spec?.cidrs ?? []).flatMap((cidr) => networkIn(cidr) ?? [])),
    networksIn(kubeadm?.serviceSubnet),
    apiServers.flatMap((pod) => networksIn(podFlag(pod, 'service-cluster-ip-range'))),
  ]
  return rungs.find((cidrs) => cidrs.length > 0)
}

/** The NodePort range: kube-apiserver's argument, else kubeadm-config, else Kubernetes' default. */
export const nodePortRangeOf = (kubeadm: Kubeadm | undefined, apiServers: readonly PodObject[]): PortRange => {
  const written = [...apiServers.map((pod) => podFlag(pod, 'service-node-port-range')), kubeadm?.nodePortRange].find((range) => range !== undefined)
  // kube-apiserver takes 30000-32767 and 30000+2767.
  const [, first, length] = /^(\d+)\+(\d+)$/.exec(written ?? '') ?? []
  const range = first === undefined ? written : `${first}-${Number(first) + Number(length)}`
  return range !== undefined && /^\d+(-\d+)?$/.test(range) ? parsePortRange(range) : { first: 30_000, last: 32_767 }
}

/** What is known of kube-proxy besides the NodePort range. */
export interface ProxyFacts {
  readonly mode: ProxyMode
  readonly source: string
  readonly nodePortAddresses?: readonly string[]
  readonly unseen?: Unseen
}

/**
 * kube-proxy's mode: its ConfigMap (kubeadm, kubespray), else the arguments of its pods (RKE2). On Linux no mode means iptables
 * (cmd/kube-proxy/app). Without any trace of it the mode is unknown: it may run on the hosts, as k3s does, or not at all.
 */
export const kubeProxyOf = (configMap: ConfigMapObject | undefined, pods: readonly PodObject[]): ProxyFacts => {
  const parsed = v.safeParse(proxyConfiguration, fromYaml(configMap?.data?.['config.conf']))
  const inMap = parsed.success
    ? { mode: parsed.output.mode, source: 'ConfigMap kube-system/kube-proxy', addresses: parsed.output.nodePortAddresses ?? [] }
    : undefined
  const pod = pods[0]
  const inPod =
    pod === undefined
      ? undefined
      : {
          mode: podFlag(pod, 'proxy-mode'),
          source: `pod kube-system/${pod.metadata.name}`,
          addresses: podFlag(pod, 'nodeport-addresses')?.split(',') ?? [],
        }
  const found = inMap ?? inPod
  const mode = (['iptables', 'ipvs', 'nftables'] as const).find((known) => known === (found?.mode || 'iptables').toLowerCase())
  if (found !== undefined && mode !== undefined)
    return { mode, source: found.source, ...(found.addresses.length === 0 ? {} : { nodePortAddresses: found.addresses }) }
  const why = found === undefined ? 'neither a ConfigMap nor a pod of kube-proxy tells' : `${found.source} says "${found.mode}"`
  return { mode: 'unknown', source: 'not found', unseen: { kind: 'kube-proxy', what: 'mode of kube-proxy', why } }
}

/** A flag of the first container that has it. */
export const podFlag = ({ spec }: PodObject, name: string): string | undefined =>
  (spec?.containers ?? []).map((container) => flagOf(container, name)).find((value) => value !== undefined)

const fromYaml = (source: string | undefined): unknown => {
  try {
    return source === undefined ? undefined : parse(source)
  } catch {
    return undefined
  }
}
