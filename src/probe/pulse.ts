import type { KubeObject } from '../calico/object.ts'
import { resourceOf } from '../calico/resources.ts'
import type { Api, CallOptions } from '../cluster/api.ts'
import { seenFailure } from './answer.ts'
import type { Seen } from './dialer.ts'

/** The state of a cluster as its own objects tell it, read once per round however many nodes are asked about. */
export interface Pulse {
  nodeReady(node: string): Promise<Seen>
  calicoNode(node: string): Promise<Seen>
  apiService(name: string): Promise<Seen>
}

/** How calico-node's pods are found. */
export interface CalicoNodePods {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** A pulse for one round of probes: nodes and pods are listed when the first probe asks. */
export const takePulse = (api: Pick<Api, 'list' | 'get'>, calicoNode: CalicoNodePods, options: CallOptions): Pulse => {
  const nodes = once(
    'list nodes',
    () => api.list(resourceOf('v1', 'Node'), options),
    ({ metadata }) => metadata.name,
  )
  const labelSelector = selectorOf(calicoNode.labels)
  const pods = once(
    `list pods in ${calicoNode.namespace}`,
    () => api.list(resourceOf('v1', 'Pod'), { ...options, namespace: calicoNode.namespace, labelSelector }),
    ({ metadata, spec }) => (metadata.deletionTimestamp === undefined ? (spec as { nodeName?: string } | undefined)?.nodeName : undefined),
  )
  return {
    nodeReady: async (name) => {
      const found = await nodes()
      if ('outcome' in found) return found
      const [node] = found.byNode.get(name) ?? []
      return node === undefined ? gone(`node ${name}`) : seenCondition(node, 'Ready')
    },
    calicoNode: async (node) => {
      const found = await pods()
      if ('outcome' in found) return found
      const seen = (found.byNode.get(node) ?? []).map((pod) => seenCondition(pod, 'Ready'))
      return seen.find(({ outcome }) => outcome === 'ok') ?? seen[0] ?? gone(`calico-node pod on ${node}`)
    },
    apiService: async (name) => {
      try {
        const service = await api.get({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', name }, options)
        return service === undefined ? gone(`APIService ${name}`) : seenCondition(service, 'Available')
      } catch (error) {
        return seenFailure(error, 'get apiservices')
      }
    },
  }
}

type Listed = { readonly byNode: ReadonlyMap<string, readonly KubeObject[]> } | Seen

const once = (
  right: string,
  list: () => Promise<KubeObject[] | undefined>,
  nodeOf: (object: KubeObject) => string | undefined,
): (() => Promise<Listed>) => {
  let listing: Promise<Listed> | undefined
  return () => {
    listing ??= list().then(
      (objects) => ({ byNode: grouped(objects ?? [], nodeOf) }),
      (error: unknown) => seenFailure(error, right),
    )
    return listing
  }
}

const grouped = (objects: readonly KubeObject[], nodeOf: (object: KubeObject) => string | undefined): ReadonlyMap<string, readonly KubeObject[]> => {
  const byNode = new Map<string, KubeObject[]>()
  for (const object of objects) {
    const node = nodeOf(object)
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), object])
  }
  return byNode
}

const seenCondition = (object: KubeObject, type: string): Seen => {
  const conditions = (object.status as { conditions?: readonly Condition[] } | undefined)?.conditions ?? []
  const found = conditions.find((condition) => condition.type === type)
  if (found?.status === 'True') return { outcome: 'ok' }
  return {
    outcome: 'failed',
    detail: [`${type} is ${found?.status ?? 'not reported'}`, found?.reason].filter((part) => part !== undefined).join(', '),
  }
}

const gone = (what: string): Seen => ({ outcome: 'failed', detail: `there is no ${what}` })

const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
