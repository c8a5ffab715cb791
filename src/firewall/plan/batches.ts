import type { HostEndpoint } from '../../calico/shapes.ts'
import { byText } from '../by-text.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import { addressesOf } from '../objects/network-sets.ts'
import type { Batch } from './plan.ts'

/** Nodes of the largest batch: so many are looked at in seconds, and no more are lost at once. */
const largest = 512

/**
 * The order in which nodes close: workers first, one, then 2, 4, 8 and so on up to 512; then control-plane nodes one at a time; and last of all the
 * node our own way to the API leads through, whatever it is.
 */
export const batchesOf = (hostEndpoints: readonly HostEndpoint[], facts: Facts): Batch[] => {
  const byNode = new Map<string, HostEndpoint[]>()
  for (const one of hostEndpoints) byNode.set(one.spec.node, [...(byNode.get(one.spec.node) ?? []), one])
  const nodes = facts.nodes.filter(({ name }) => byNode.has(name)).sort((one, other) => byText(one.name, other.name))
  const last = ownPathNode(facts)
  const workers = nodes.filter((node) => !node.controlPlane && node.name !== last)
  const controlPlane = nodes.filter((node) => node.controlPlane && node.name !== last)
  const groups = [...doubling(workers), ...controlPlane.map((node) => [node]), ...nodes.filter(({ name }) => name === last).map((node) => [node])]
  return groups.map((group) => ({
    title: titleOf(group, last),
    nodes: group.map(({ name }) => name),
    hostEndpoints: group.flatMap(({ name }) => [...(byNode.get(name) ?? [])].sort((one, other) => byText(one.metadata.name, other.metadata.name))),
  }))
}

/** The node that owns the address the kubeconfig dials, or else the one this tool runs on; undefined where neither is a node's. */
const ownPathNode = ({ apiEndpoints, nodes, operatorAddresses }: Pick<Facts, 'apiEndpoints' | 'nodes' | 'operatorAddresses'>): string | undefined => {
  const dialled = apiEndpoints.filter(({ sources }) => sources.some((source) => source.startsWith('kubeconfig')))
  const owner = dialled.flatMap(({ node, address }) => node ?? nodes.filter((one) => addressesOf(one).includes(address)).map(({ name }) => name))
  const home = nodes.filter((node) => addressesOf(node).some((address) => operatorAddresses.includes(address))).map(({ name }) => name)
  return [...owner.sort(byText), ...home.sort(byText)][0]
}

const doubling = (nodes: readonly NodeFacts[]): NodeFacts[][] => {
  const groups: NodeFacts[][] = []
  for (let at = 0, size = 1; at < nodes.length; at += size, size = Math.min(largest, size * 2)) groups.push(nodes.slice(at, at + size))
  return groups
}

const titleOf = (group: readonly NodeFacts[], last: string | undefined): string => {
  const [first] = group
  if (first === undefined) return ''
  const kind = first.controlPlane ? 'control-plane node' : 'worker'
  const path = group.length === 1 && first.name === last ? ', which carries your own path to the API' : ''
  return group.length === 1
    ? `${kind} ${first.name}${path}`
    : `${group.length} workers: ${first.name} ${group.length === 2 ? 'and' : '...'} ${group.at(-1)?.name ?? ''}`
}
