import fc from 'fast-check'
import { v3 } from '../../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, PolicySpec, Rule } from '../../../src/calico/shapes.ts'
import type { Dataplane } from '../../../src/firewall/facts/facts.ts'
import type { NodeHost } from '../layout.ts'
import { arbitraryRule, labelKeys, labelValues, portNames, selector } from './arbitrary-rules.ts'
import type { Era, ObjectSet } from './object-set.ts'
import type { Terrain } from './terrain.ts'

/** The namespace of the sets a tenant would write. */
export const tenantNamespace = 'fw-tenant'

const labels: fc.Arbitrary<Record<string, string>> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...labelKeys), fc.constantFrom(...labelValues)), { maxLength: 2, selector: ([key]) => key })
  .map((pairs) => Object.fromEntries(pairs))

/** HostEndpoints have it and pods do not: what policies make of pods is not compared. */
const hostLabel = 'fw-host'

/** Names that sort in another order than they were made in: ties of order, and of two HostEndpoints on one NIC, go by name. */
const named = (prefix: string): fc.Arbitrary<string> => fc.stringMatching(/^[a-z]{3}$/).map((text) => `${prefix}-${text}`)

const profiles = fc.oneof(
  { arbitrary: fc.constant<string[] | undefined>(['projectcalico-default-allow']), weight: 5 },
  { arbitrary: fc.constant<string[] | undefined>(undefined), weight: 3 },
  { arbitrary: fc.constant<string[] | undefined>(['misspelt']), weight: 1 },
)

const endpointPorts = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...portNames), protocol: fc.constantFrom('TCP', 'UDP'), port: fc.constantFrom(22, 53, 80, 9100, 31999) }),
  { maxLength: 2, selector: ({ name }) => name },
)

type Interface = { interfaceName?: string; expectedIPs?: string[] }

const interfaceOf = (node: NodeHost, terrain: Terrain): fc.Arbitrary<Interface> => {
  const own = [node.address, ...terrain.held.filter((one) => one.node === node.name).map(({ address }) => address)]
  const some = fc.subarray(own, { minLength: 1 })
  return fc.oneof(
    { arbitrary: some.map((expectedIPs): Interface => ({ interfaceName: node.nic, expectedIPs })), weight: 6 },
    { arbitrary: fc.constant<Interface>({ interfaceName: node.nic }), weight: 1 },
    { arbitrary: some.map((expectedIPs): Interface => ({ interfaceName: '*', expectedIPs })), weight: 2 },
    { arbitrary: some.map((expectedIPs): Interface => ({ expectedIPs })), weight: 2 },
    // Of an interface that is not there, and of an address that is not its own.
    { arbitrary: fc.constant<Interface>({ interfaceName: 'ens999', expectedIPs: own }), weight: 1 },
  )
}

const hostEndpointsOf = (terrain: Terrain): fc.Arbitrary<HostEndpoint[]> =>
  fc
    .tuple(
      ...terrain.nodes.map((node) =>
        fc.array(
          fc.record({ name: named(`h-${node.name}`), labels, at: interfaceOf(node, terrain), profiles, ports: endpointPorts }).map(
            ({ name, labels: own, at, profiles: list, ports }): HostEndpoint => ({
              apiVersion: v3,
              kind: 'HostEndpoint',
              metadata: { name, labels: { [hostLabel]: 'yes', ...own } },
              spec: { node: node.fqdn, ...at, ...(list === undefined ? {} : { profiles: list }), ...(ports.length === 0 ? {} : { ports }) },
            }),
          ),
          { minLength: 1, maxLength: 2 },
        ),
      ),
    )
    .map((lists) => unique(lists.flat()))

const setsOf = (terrain: Terrain): fc.Arbitrary<NetworkSet[]> => {
  const nets = fc.uniqueArray(fc.constantFrom(...terrain.nets), { minLength: 1, maxLength: 4 })
  const make = (kind: 'GlobalNetworkSet' | 'NetworkSet') =>
    fc.record({ name: named('s'), own: labels, nets }).map(
      ({ name, own, nets: list }): NetworkSet => ({
        apiVersion: v3,
        kind,
        metadata: { name, labels: own, ...(kind === 'NetworkSet' ? { namespace: tenantNamespace } : {}) },
        spec: { nets: list },
      }),
    )
  return fc
    .tuple(fc.array(make('GlobalNetworkSet'), { maxLength: 4 }), fc.array(make('NetworkSet'), { maxLength: 2 }))
    .map(([global, own]) => [...unique(global), ...unique(own)])
}

const kindOf: fc.Arbitrary<'preDNAT' | 'doNotTrack' | 'forward' | 'normal'> = fc.constantFrom(
  ...(['preDNAT', 'preDNAT', 'preDNAT', 'doNotTrack', 'forward', 'forward', 'normal', 'normal'] as const),
)

const policyOf = (terrain: Terrain, era: Era, dataplane: Dataplane): fc.Arbitrary<GlobalNetworkPolicy> => {
  const rules = (direction: 'ingress' | 'egress') =>
    fc.array(arbitraryRule(terrain, era.services, direction, dataplane), { minLength: 1, maxLength: 4 })
  const made = fc.record({
    name: named('p'),
    kind: kindOf,
    selector,
    tier: fc.constantFrom('default', 'default', 'default', ...era.tiers.map(({ metadata }) => metadata.name)),
    order: fc.constantFrom(undefined, 1, 10, 10, 20),
    types: fc.constantFrom<('Ingress' | 'Egress')[]>(['Ingress'], ['Ingress'], ['Ingress', 'Egress'], ['Egress']),
    ingress: rules('ingress'),
    egress: rules('egress'),
  })
  return made.map(({ name, kind, tier, order, types, ingress, egress, selector: text }) => ({
    apiVersion: v3,
    kind: 'GlobalNetworkPolicy',
    metadata: { name },
    spec: specOf(kind, { tier, selector: `has(${hostLabel}) && (${text})`, ...(order === undefined ? {} : { order }) }, types, ingress, egress),
  }))
}

const specOf = (
  kind: 'preDNAT' | 'doNotTrack' | 'forward' | 'normal',
  base: PolicySpec,
  types: readonly ('Ingress' | 'Egress')[],
  ingress: readonly Rule[],
  egress: readonly Rule[],
): PolicySpec => {
  if (kind === 'preDNAT') return { ...base, preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress }
  return {
    ...base,
    ...(kind === 'doNotTrack' ? { doNotTrack: true } : {}),
    ...(kind === 'normal' ? {} : { applyOnForward: true }),
    types,
    ...(types.includes('Ingress') ? { ingress } : {}),
    ...(types.includes('Egress') ? { egress } : {}),
  }
}

/** Objects of one kind have names of their own; the first of two keeps it. */
const unique = <Named extends { readonly metadata: { readonly name: string } }>(objects: readonly Named[]): Named[] => [
  ...new Map([...objects].reverse().map((object) => [object.metadata.name, object])).values(),
]

/** HostEndpoints on every node, policies of every kind, sets of both kinds. */
export const arbitraryObjects = (terrain: Terrain, era: Era, dataplane: Dataplane): fc.Arbitrary<ObjectSet> =>
  fc.record({
    hostEndpoints: hostEndpointsOf(terrain),
    policies: fc.array(policyOf(terrain, era, dataplane), { minLength: 1, maxLength: 7 }).map(unique),
    networkSets: setsOf(terrain),
  })
