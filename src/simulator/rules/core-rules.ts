import type { KubeObject } from '../../calico/object.ts'
import type { KindRules } from '../api/kind.ts'
import type { Cause } from '../api/status.ts'
import { at, fieldsOf, listOf, numberAt, sameJson, textAt } from '../json.ts'

const mustNot = (field: string, message: string): Cause => ({ reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field })

/** A ConfigMap marked immutable stays as it is until it is deleted. */
export const configMapRules: KindRules = {
  check: (object, live) => {
    if (live?.['immutable'] !== true) return []
    const changed = ['data', 'binaryData'].filter((field) => !sameJson(object[field], live[field]))
    const why = 'field is immutable when `immutable` is set'
    return [...(object['immutable'] === true ? [] : ['immutable']), ...changed].map((field) => mustNot(field, why))
  },
}

/** A namespace carries its own name as a label, and a finalizer kube-controller-manager takes off when it is empty. */
export const namespaceRules: KindRules = {
  defaults: (object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name } },
  }),
  prepare: (object, live) => ({
    ...object,
    spec: live?.['spec'] ?? { finalizers: ['kubernetes'] },
    status: live === undefined ? { phase: 'Active' } : (object['status'] ?? live['status']),
  }),
}

const serviceDefaults = (object: KubeObject): KubeObject => {
  const spec = fieldsOf(object['spec'])
  const type = textAt(spec, 'type') ?? 'ClusterIP'
  const ports = listOf(spec['ports']).map((port) => ({ protocol: 'TCP', targetPort: numberAt(port, 'port'), ...fieldsOf(port) }))
  const exposed = type === 'NodePort' || type === 'LoadBalancer'
  return {
    ...object,
    spec: {
      ...{ type, sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] },
      ...(exposed ? { externalTrafficPolicy: 'Cluster' } : {}),
      ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
      ...spec,
      ports,
    },
    status: { loadBalancer: {}, ...fieldsOf(object['status']) },
  }
}

/** Services get an address and, where they are reached from outside, NodePorts. */
export const serviceRules: KindRules = {
  defaults: serviceDefaults,
  prepare: (object, live, ids) => {
    const spec = fieldsOf(object['spec'])
    const kept = textAt(live, 'spec', 'clusterIP')
    const clusterIP = textAt(spec, 'clusterIP') ?? kept ?? ids.clusterIP()
    const exposed = spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer'
    const ports = listOf(spec['ports']).map((port) => {
      const before = listOf(at(live, 'spec', 'ports')).find((one) => at(one, 'port') === at(port, 'port'))
      const nodePort = numberAt(port, 'nodePort') ?? numberAt(before, 'nodePort') ?? (exposed ? ids.nodePort() : undefined)
      return { ...fieldsOf(port), ...(exposed && nodePort !== undefined ? { nodePort } : {}) }
    })
    return { ...object, spec: { ...spec, clusterIP, clusterIPs: spec['clusterIPs'] ?? [clusterIP], ports } }
  },
  check: (object, live) => {
    const [now, before] = [textAt(object, 'spec', 'clusterIP'), textAt(live, 'spec', 'clusterIP')]
    if (live === undefined || now === before) return []
    return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(now)}: field is immutable`, field: 'spec.clusterIP' }]
  },
}
