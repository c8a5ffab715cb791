import type { ServiceFacts } from '../../../src/firewall/facts/facts.ts'
import type { LabObject } from '../cluster/api.ts'
import { calicoApiVersion } from '../cluster/crds.ts'
import { felixReady } from '../cluster/felix.ts'
import { asWritten } from '../firewall.ts'
import type { Lab } from '../lab.ts'
import { inParallel, until } from '../machine/run.ts'
import { tenantNamespace } from './arbitrary-objects.ts'
import type { Era } from './object-set.ts'
import type { Programmer } from './programming.ts'

/**
 * Begins an era: its Services served by every kube-proxy, its tiers and failsafes read by every Felix, which restarts for the latter.
 * Afterwards nothing of the last era is in force.
 */
export const beginEra = async (lab: Lab, programmer: Programmer, era: Era, number: number): Promise<void> => {
  await replaceServices(lab, era.services, number)
  for (const tier of era.tiers) await lab.api.apply(asWritten(lab, tier))
  const marker = `198.18.255.${1 + (number % 250)}`
  const sentinel = { protocol: 'UDP', port: 9, net: `${marker}/32` }
  await lab.api.patch(
    { apiVersion: calicoApiVersion(lab.variant.flavour), kind: 'FelixConfiguration', name: 'default' },
    { spec: { failsafeInboundHostPorts: era.inbound, failsafeOutboundHostPorts: [...era.outbound, sentinel] } },
  )
  // Failsafe chains are programmed where a HostEndpoint uses them: the sentinels' own does.
  await programmer.program({ hostEndpoints: [], policies: [], networkSets: [] })
  await programmer.shown(`the failsafes of era ${number}`, (rules) => `${rules.iptables}${rules.nft}`.includes(marker))
  await Promise.all(lab.layout.nodes.map((node) => felixReady(lab, node)))
  await programmer.shown(`the Services of era ${number}`, (rules) => `${rules.iptables}${rules.nft}`.includes(endpointOf(number)))
}

/** The endpoint of the Service that is written last: kube-proxy writes all it knows at once. */
const endpointOf = (number: number): string => `100.66.0.${1 + (number % 250)}`

const replaceServices = async (lab: Lab, services: readonly ServiceFacts[], number: number): Promise<void> => {
  const last: ServiceFacts = {
    ...{ namespace: tenantNamespace, name: 'zz-sentinel', type: 'ClusterIP', externalIPs: [], loadBalancerIPs: [], externalTrafficPolicy: 'Cluster' },
    clusterIPs: [],
    ports: [{ protocol: 'TCP', port: 9 }],
    endpoints: [{ address: endpointOf(number) as ServiceFacts['endpoints'][number]['address'], ports: [{ port: 9 }] }],
  }
  const all = [...services, last]
  const ref = (name: string) => ({ apiVersion: 'v1', kind: 'Service', namespace: tenantNamespace, name })
  await inParallel(8, all, ({ name }) => lab.api.delete(ref(name)))
  await inParallel(8, all, ({ name }) => until(`Service ${name} to be gone`, async () => (await lab.api.get(ref(name))) === undefined))
  for (const service of all) await lab.api.apply(sliceOf(service))
  for (const service of all) {
    await lab.api.apply(objectOf(service))
    if (service.loadBalancerIPs.length > 0)
      await lab.api.patch(ref(service.name), { status: { loadBalancer: { ingress: service.loadBalancerIPs.map((ip) => ({ ip })) } } }, 'status')
  }
}

/** A Service without a selector: its endpoints are what we say. */
const objectOf = ({
  name,
  namespace,
  type,
  clusterIPs,
  externalIPs,
  externalTrafficPolicy,
  healthCheckNodePort,
  ports,
}: ServiceFacts): LabObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: {
    type,
    ...(clusterIPs[0] === undefined ? {} : { clusterIP: clusterIPs[0] }),
    ...(externalIPs.length === 0 ? {} : { externalIPs }),
    ...(type === 'ClusterIP' && externalIPs.length === 0 ? {} : { externalTrafficPolicy }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
    ports,
  },
})

const sliceOf = ({ name, namespace, ports, endpoints }: ServiceFacts): LabObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: '', protocol: ports[0]?.protocol ?? 'TCP', port: endpoints[0]?.ports[0]?.port ?? 80 }],
  endpoints: endpoints.map(({ address, node }) => ({
    addresses: [address],
    conditions: { ready: true, serving: true },
    ...(node === undefined ? {} : { nodeName: node }),
  })),
})
