import * as v from 'valibot'
import type { KubeObject } from '../../calico/object.ts'
import { resourceOf } from '../../calico/resources.ts'
import type { Api, CallOptions } from '../api.ts'

const text = v.nullish(v.string())
const envSource = v.object({ name: text, key: text })
const container = v.object({
  name: text,
  image: text,
  env: v.nullish(v.array(v.object({ name: v.string(), value: text, valueFrom: v.nullish(v.object({ configMapKeyRef: v.nullish(envSource) })) })), []),
  envFrom: v.nullish(v.array(v.object({ configMapRef: v.nullish(v.object({ name: text })) })), []),
})
const podSpec = v.object({ containers: v.nullish(v.array(container), []) })
const daemonSet = v.object({
  metadata: v.object({ namespace: v.string() }),
  spec: v.object({
    selector: v.object({ matchLabels: v.nullish(v.record(v.string(), v.string()), {}) }),
    template: v.object({ spec: podSpec }),
  }),
})
const pod = v.object({ metadata: v.object({ namespace: v.string() }), spec: podSpec })

/** calico-node as it is deployed: where, how its pods are found, and what it is told by environment. */
export interface CalicoNode {
  readonly namespace: string
  readonly podLabels: Readonly<Record<string, string>>
  readonly image: string | undefined
  /** Literal values, and those from ConfigMaps; what comes from Secrets or the pod's own fields is absent. */
  readonly env: Readonly<Record<string, string>>
}

/** The label both the manifest and the operator put on calico-node's pods. */
const nodeLabels = { 'k8s-app': 'calico-node' }

/**
 * Finds calico-node: the DaemonSet with a container of that name (Canal's is called otherwise but has it), else pods with its label where
 * something else than a DaemonSet runs them. Undefined when it runs outside the cluster's sight.
 */
export const findCalicoNode = async (api: Api, options?: CallOptions): Promise<CalicoNode | undefined> => {
  const daemonSets = (await api.list(resourceOf('apps/v1', 'DaemonSet'), options)) ?? []
  for (const object of inOrder(daemonSets)) {
    const parsed = v.safeParse(daemonSet, object)
    const found = parsed.success ? nodeContainer(parsed.output.spec.template.spec) : undefined
    if (parsed.success && found !== undefined)
      return describe(api, parsed.output.metadata.namespace, parsed.output.spec.selector.matchLabels, found, options)
  }
  const pods = (await api.list(resourceOf('v1', 'Pod'), { ...options, labelSelector: 'k8s-app=calico-node' })) ?? []
  const parsed = v.safeParse(pod, pods[0])
  if (!parsed.success) return undefined
  const found = nodeContainer(parsed.output.spec) ?? { name: '', image: undefined, env: [], envFrom: [] }
  return describe(api, parsed.output.metadata.namespace, nodeLabels, found, options)
}

/** The operator's first: a leftover of a manifest installation may stand beside it. */
const inOrder = (daemonSets: readonly KubeObject[]): KubeObject[] =>
  daemonSets.toSorted((one, other) => Number(other.metadata.namespace === 'calico-system') - Number(one.metadata.namespace === 'calico-system'))

const nodeContainer = (spec: v.InferOutput<typeof podSpec>): v.InferOutput<typeof container> | undefined =>
  spec.containers.find(({ name }) => name === 'calico-node')

const describe = async (
  api: Api,
  namespace: string,
  podLabels: Readonly<Record<string, string>>,
  { image, env, envFrom }: v.InferOutput<typeof container>,
  options: CallOptions | undefined,
): Promise<CalicoNode> => {
  const known = new Map<string, Promise<Readonly<Record<string, string>>>>()
  const configMap = (name: string): Promise<Readonly<Record<string, string>>> => {
    const data = known.get(name) ?? dataOf(api, namespace, name, options)
    known.set(name, data)
    return data
  }
  const values: Record<string, string> = {}
  for (const { configMapRef } of envFrom) if (configMapRef?.name) Object.assign(values, await configMap(configMapRef.name))
  for (const { name, value, valueFrom } of env) {
    const reference = valueFrom?.configMapKeyRef
    const found = reference?.name && reference.key ? (await configMap(reference.name))[reference.key] : (value ?? undefined)
    if (found !== undefined) values[name] = found
  }
  return { namespace, podLabels, image: image ?? undefined, env: values }
}

const dataOf = async (api: Api, namespace: string, name: string, options: CallOptions | undefined): Promise<Readonly<Record<string, string>>> => {
  const object = await api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }, options)
  return v.parse(v.nullish(v.record(v.string(), v.string()), {}), object?.data)
}
