import fc from 'fast-check'
import { v3 } from '../../../src/calico/resources.ts'
import type { FailsafePort, Tier } from '../../../src/calico/shapes.ts'
import type { ServiceFacts } from '../../../src/firewall/facts/facts.ts'
import { type Address, parseAddress } from '../../../src/net/address.ts'
import { tenantNamespace } from './arbitrary-objects.ts'
import type { Era } from './object-set.ts'
import { nodePorts, type Terrain } from './terrain.ts'

/** Every era has ClusterIPs of its own, so that one sees which of them kube-proxy serves. */
const clusterIpOf = (era: number, index: number): Address => parseAddress(`10.233.${20 + (era % 40)}.${10 + index}`)

type Endpoint = ServiceFacts['endpoints'][number]

const endpointsOf = (terrain: Terrain, protocol: 'TCP' | 'UDP'): fc.Arbitrary<Endpoint[]> => {
  const nodeOf = (pod: string) => terrain.nodes[terrain.pods.indexOf(pod)]?.fqdn
  const pods = terrain.pods.map(
    (address): Endpoint => ({ address: parseAddress(address), node: nodeOf(address) ?? '', ports: [{ port: protocol === 'TCP' ? 80 : 53 }] }),
  )
  const hosts = terrain.nodes.map((node): Endpoint => ({ address: parseAddress(node.address), node: node.fqdn, ports: [{ port: 9100 }] }))
  return fc.oneof(
    { arbitrary: fc.constantFrom(...pods).map((one) => [one]), weight: 6 },
    { arbitrary: fc.subarray(pods, { minLength: 2 }), weight: 2 },
    { arbitrary: fc.constantFrom(...hosts).map((one) => [one]), weight: 2 },
    { arbitrary: fc.constant<Endpoint[]>([]), weight: 1 },
  )
}

const serviceOf = (terrain: Terrain, era: number, index: number): fc.Arbitrary<ServiceFacts> =>
  fc.constantFrom('TCP' as const, 'TCP' as const, 'UDP' as const).chain((protocol) =>
    fc
      .record({
        type: fc.constantFrom('ClusterIP' as const, 'NodePort' as const, 'LoadBalancer' as const),
        policy: fc.constantFrom('Cluster' as const, 'Local' as const),
        // Ports of failsafes among them: those no preDNAT policy closes. Each Service has its own, for VIPs are shared, and 80 and 443 are the ingress's.
        port: fc.constantFrom(...([81, 444, 22, 2379, 8080].map((port) => (index === 0 ? port : port + 100 * index)) as [number, ...number[]])),
        endpoints: endpointsOf(terrain, protocol),
        external: fc.subarray(terrain.held.slice(2), { maxLength: 1 }),
      })
      .map(({ type, policy, port, endpoints, external }): ServiceFacts => {
        const [first] = terrain.held
        const isOutside = type !== 'ClusterIP' || external.length > 0
        return {
          namespace: tenantNamespace,
          name: `svc-${index}`,
          type,
          clusterIPs: [clusterIpOf(era, index)],
          externalIPs: external.map(({ address }) => parseAddress(address)),
          loadBalancerIPs: type === 'LoadBalancer' && first !== undefined ? [parseAddress(first.address)] : [],
          externalTrafficPolicy: isOutside ? policy : 'Cluster',
          ...(type === 'LoadBalancer' && policy === 'Local' ? { healthCheckNodePort: 32_200 + index } : {}),
          ports: [{ protocol, port, ...(type === 'ClusterIP' ? {} : { nodePort: nodePorts[index] as number }) }],
          endpoints,
        }
      }),
  )

const tierOf = (name: string): fc.Arbitrary<Tier> =>
  fc
    .record({ order: fc.constantFrom(50, 500, 2_000_000), defaultAction: fc.constantFrom('Pass' as const, 'Deny' as const) })
    .map((spec) => ({ apiVersion: v3, kind: 'Tier', metadata: { name }, spec }))

const entry = (terrain: Terrain): fc.Arbitrary<FailsafePort> =>
  fc
    .record({
      protocol: fc.constantFrom('TCP', 'TCP', 'UDP'),
      port: fc.constantFrom(22, 53, 68, 80, 179, 9100, 10250, 30_101, 31_110),
      net: fc.option(fc.constantFrom(...terrain.nets), { nil: undefined }),
    })
    .map(({ protocol, port, net }) => ({ protocol, port, ...(net === undefined ? {} : { net }) }))

/** What the lab itself lives on: API server and etcd, for everyone and in both directions. */
const lifeLines: readonly FailsafePort[] = [6443, 2379, 2380].map((port) => ({ protocol: 'TCP', port }))

/** Services of every type, two tiers beside the built-in ones, and failsafe lists that keep the lab's own API reachable. */
export const arbitraryEra = (terrain: Terrain, era: number): fc.Arbitrary<Era> => {
  const list = fc.array(entry(terrain), { maxLength: 5 }).map((own) => [...lifeLines, ...own])
  return fc.record({
    services: fc.tuple(...Array.from({ length: 8 }, (_, index) => serviceOf(terrain, era, index))),
    tiers: fc.tuple(tierOf('fw-first'), tierOf('fw-second')),
    inbound: list,
    outbound: list,
  })
}
