import type { ServiceFacts, ServicePortFacts } from '../firewall/facts/facts.ts'
import { portProtocols } from '../net/port.ts'
import type { EndpointSliceObject, ServiceObject } from './kube-objects.ts'
import { addressIn, networkIn } from './loose-text.ts'

type Endpoint = ServiceFacts['endpoints'][number]

const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const

/** Services with their ready endpoints, in the order of their names. */
export const servicesFacts = (services: readonly ServiceObject[], slices: readonly EndpointSliceObject[]): ServiceFacts[] => {
  const endpoints = endpointsByService(slices)
  return services
    .map((service) => serviceFacts(service, endpoints.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? []))
    .sort((one, other) => (`${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1))
}

/** The ready endpoints of one Service, for example default/kubernetes. */
export const endpointsOf = (slices: readonly EndpointSliceObject[], namespace: string, name: string): readonly Endpoint[] =>
  endpointsByService(slices).get(`${namespace}/${name}`) ?? []

const serviceFacts = ({ metadata, spec = {}, status }: ServiceObject, endpoints: readonly Endpoint[]): ServiceFacts => {
  const addresses = (texts: readonly (string | undefined)[] = []) => texts.flatMap((text) => addressIn(text) ?? [])
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    type: types.find((type) => type === spec.type) ?? 'ClusterIP',
    // A headless Service says None, which is no address.
    clusterIPs: addresses(spec.clusterIPs ?? [spec.clusterIP]),
    externalIPs: addresses(spec.externalIPs),
    // With ipMode Proxy the balancer ends the connection itself, and kube-proxy knows nothing of the address (Kubernetes 1.30).
    loadBalancerIPs: addresses(status?.loadBalancer?.ingress?.filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip)),
    externalTrafficPolicy: spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    ...(spec.internalTrafficPolicy === 'Local' ? { internalTrafficPolicy: 'Local' as const } : {}),
    ...(spec.loadBalancerSourceRanges?.length
      ? { loadBalancerSourceRanges: spec.loadBalancerSourceRanges.flatMap((range) => networkIn(range.trim()) ?? []) }
      : {}),
    ...(spec.healthCheckNodePort ? { healthCheckNodePort: spec.healthCheckNodePort } : {}),
    ports: (spec.ports ?? []).map(
      ({ name, protocol, port, nodePort }): ServicePortFacts => ({
        ...(name ? { name } : {}),
        protocol: portProtocols.find((known) => known === protocol) ?? 'TCP',
        port,
        ...(nodePort ? { nodePort } : {}),
      }),
    ),
    endpoints,
  }
}

const endpointsByService = (slices: readonly EndpointSliceObject[]): ReadonlyMap<string, readonly Endpoint[]> => {
  const byService = new Map<string, Endpoint[]>()
  for (const { metadata, endpoints, ports } of slices) {
    const service = metadata.labels?.['kubernetes.io/service-name']
    if (service === undefined) continue
    const key = `${metadata.namespace}/${service}`
    const list = byService.get(key) ?? []
    byService.set(key, list)
    const numbered = (ports ?? []).flatMap(({ name, port }) => (port === undefined ? [] : [{ ...(name ? { name } : {}), port }]))
    for (const { addresses = [], nodeName, conditions } of endpoints ?? []) {
      // An unset `ready` counts as ready (discovery.k8s.io/v1, EndpointConditions).
      if (conditions?.ready === false) continue
      for (const text of addresses) {
        const address = addressIn(text)
        if (address !== undefined) list.push({ address, ...(nodeName === undefined ? {} : { node: nodeName }), ports: numbered })
      }
    }
  }
  return byService
}
