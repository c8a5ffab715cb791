import { keys, names, worldHalves } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, PolicySpec, Rule } from '../../src/calico/shapes.ts'
import type { NodeFacts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

/** The home cluster's three-node world with nothing of Calico in it. */
export const facts = homeFacts({ nodes: 3 })
export const bare: World = worldOf(facts)

export const policy = (name: string, spec: PolicySpec): GlobalNetworkPolicy => ({
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec,
})

/** A preDNAT policy on HostEndpoints labelled `fw`. */
export const ingress = (name: string, order: number, rules: readonly Rule[], more: Partial<PolicySpec> = {}): GlobalNetworkPolicy =>
  policy(name, { order, selector: 'has(fw)', preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: rules, ...more })

export const globalSet = (name: string, labels: Record<string, string>, nets: readonly string[]): NetworkSet => ({
  apiVersion: v3,
  kind: 'GlobalNetworkSet',
  metadata: { name, labels },
  spec: { nets },
})

export const namespacedSet = (namespace: string, labels: Record<string, string>, nets: readonly string[] = worldHalves): NetworkSet => ({
  apiVersion: v3,
  kind: 'NetworkSet',
  metadata: { name: 'set', namespace, labels },
  spec: { nets },
})

/** A HostEndpoint on ens160, inert by itself. */
export const hostEndpoint = (
  node: NodeFacts,
  labels: Record<string, string> = { fw: '1' },
  more: Partial<HostEndpoint['spec']> = {},
): HostEndpoint => ({
  apiVersion: v3,
  kind: 'HostEndpoint',
  metadata: { name: `${node.name}-ens160`, labels },
  spec: {
    node: node.name,
    interfaceName: 'ens160',
    expectedIPs: node.addresses.map(({ address }) => address),
    profiles: [names.defaultAllowProfile],
    ...more,
  },
})

/** HostEndpoints on every node. */
export const onAll = (labels?: Record<string, string>, more?: Partial<HostEndpoint['spec']>): HostEndpoint[] =>
  facts.nodes.map((node) => hostEndpoint(node, labels, more))

/** `'192.168.218.53', '192.168.218.174', 10250` as a TCP connection. */
export const tcp = (source: string, destination: string, port: number): Connection => ({
  source: parseAddress(source),
  destination: parseAddress(destination),
  protocol: 'TCP',
  port,
})

/** The action alone. */
export const action = (world: World, connection: Connection) => createVerdicts(world)(connection).action

/** The gate, reduced to what decides: a Deny whose source is a set that comes and goes. */
export const gateSelector = `projectcalico.org/namespace == 'calico-fw' && ${keys.gate} == '1'`
