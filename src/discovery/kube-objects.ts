import type { KubeObject } from '../calico/object.ts'
import type { LabelSelector } from '../firewall/file/host-firewall.ts'

// The fields we read of Kubernetes' own kinds. The API server has validated them; every one is optional all the same.

interface Condition {
  readonly type: string
  readonly status: string
}

/** A Node. */
export interface NodeObject extends KubeObject {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[]; readonly unschedulable?: boolean }
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    readonly conditions?: readonly Condition[]
    readonly nodeInfo?: { readonly operatingSystem?: string; readonly kubeletVersion?: string; readonly osImage?: string }
    readonly daemonEndpoints?: { readonly kubeletEndpoint?: { readonly Port?: number } }
  }
}

/** A container, as far as its command line and its environment go. */
export interface Container {
  readonly name?: string
  readonly image?: string
  readonly ports?: readonly {
    readonly containerPort: number
    readonly hostPort?: number
    readonly hostIP?: string
    readonly podIP?: string
    readonly protocol?: string
  }[]
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

/** A Pod. */
export interface PodObject extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly hostNetwork?: boolean; readonly containers?: readonly Container[] }
  readonly status?: {
    readonly hostIP?: string
    readonly podIP?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly { readonly restartCount?: number }[]
  }
}

/** A Deployment, DaemonSet or StatefulSet. */
export interface WorkloadObject extends KubeObject {
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly template?: { readonly spec?: { readonly hostNetwork?: boolean; readonly containers?: readonly Container[] } }
  }
}

/** A Service. */
export interface ServiceObject extends KubeObject {
  readonly spec?: {
    readonly type?: string
    readonly clusterIP?: string
    readonly clusterIPs?: readonly string[]
    readonly externalIPs?: readonly string[]
    readonly externalTrafficPolicy?: string
    readonly internalTrafficPolicy?: string
    readonly loadBalancerSourceRanges?: readonly string[]
    readonly healthCheckNodePort?: number
    readonly ports?: readonly { readonly name?: string; readonly protocol?: string; readonly port: number; readonly nodePort?: number }[]
  }
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly ipMode?: string }[] } }
}

/** An EndpointSlice. */
export interface EndpointSliceObject extends KubeObject {
  readonly endpoints?:
    | readonly { readonly addresses?: readonly string[]; readonly nodeName?: string; readonly conditions?: { readonly ready?: boolean } }[]
    | null
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null
}

/** A ConfigMap. */
export interface ConfigMapObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** A ServiceCIDR. */
export interface ServiceCidrObject extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] }
}

/** An IPPool. */
export interface IpPoolObject extends KubeObject {
  readonly spec?: {
    readonly cidr?: string
    readonly natOutgoing?: boolean
    readonly ipipMode?: string
    readonly vxlanMode?: string
    readonly allowedUses?: readonly string[]
    readonly disabled?: boolean
  }
}

/** A BlockAffinity: a block of an IPPool that a node has taken addresses from. */
export interface BlockAffinityObject extends KubeObject {
  readonly spec?: { readonly cidr?: string }
}

/** A ValidatingWebhookConfiguration or MutatingWebhookConfiguration. */
export interface WebhookConfigurationObject extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string
    readonly failurePolicy?: string
    readonly clientConfig?: {
      readonly url?: string
      readonly service?: { readonly namespace: string; readonly name: string; readonly port?: number }
    }
    readonly namespaceSelector?: LabelSelector
    readonly rules?: readonly { readonly apiGroups?: readonly string[]; readonly resources?: readonly string[]; readonly scope?: string }[]
  }[]
}

/** An APIService. */
export interface ApiServiceObject extends KubeObject {
  readonly spec?: { readonly service?: { readonly namespace: string; readonly name: string; readonly port?: number } | null }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** Whether a condition is True. */
export const holds = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') === true

/** The value of `--name=value` or `--name value` on a container's command line. */
export const flagOf = ({ command = [], args = [] }: Container, name: string): string | undefined => {
  const words = [...command, ...args]
  const at = words.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  const word = words[at]
  if (word === undefined) return undefined
  return word === `--${name}` ? words[at + 1] : word.slice(name.length + 3)
}
