import { byText } from '../by-text.ts'
import type { LabelSelector } from '../file/host-firewall.ts'
import type { NodeFacts } from './facts.ts'

/** Nodes that have the same of some interfaces. */
export interface InterfaceGroup {
  readonly names: readonly string[]
  readonly nodes: readonly NodeFacts[]
}

/** A node whose interfaces nobody knows may have any. */
const mayHave = ({ interfaces }: NodeFacts, name: string): boolean => interfaces.length === 0 || interfaces.some((one) => one.name === name)

/**
 * Linux nodes by which of these interfaces they have; nodes that have none are in no group. A name no node has is in a group of all nodes, so that it is
 * refused by the first of them.
 */
export const interfaceGroups = (names: readonly string[], nodes: readonly NodeFacts[]): InterfaceGroup[] => {
  const linux = nodes.filter(({ operatingSystem }) => operatingSystem === 'linux')
  const nowhere = names.filter((name) => !linux.some((node) => mayHave(node, name)))
  const groups = new Map<string, { names: readonly string[]; nodes: NodeFacts[] }>()
  for (const node of linux) {
    const own = names.filter((name) => nowhere.includes(name) || mayHave(node, name))
    if (own.length === 0) continue
    const group = groups.get(own.join(' ')) ?? { names: own, nodes: [] }
    groups.set(own.join(' '), group)
    group.nodes.push(node)
  }
  return [...groups.values()]
}

/** A selector of just these nodes: everybody, one label they alone carry, or their names. */
export const selectorOf = (group: readonly NodeFacts[], nodes: readonly NodeFacts[]): LabelSelector => {
  if (group.length === nodes.filter(({ operatingSystem }) => operatingSystem === 'linux').length) return {}
  const inside = new Set(group.map(({ name }) => name))
  const [first] = group
  const label = Object.entries(first?.labels ?? {})
    .filter(([key]) => key !== hostname)
    .sort(([one], [other]) => byText(one, other))
    .find(([key, value]) => nodes.every((node) => (node.labels[key] === value) === inside.has(node.name)))
  if (label !== undefined) return { matchLabels: { [label[0]]: label[1] } }
  const values = group.map((node) => node.labels[hostname] ?? node.name)
  return values.length === 1 ? { matchLabels: { [hostname]: values[0] ?? '' } } : { matchExpressions: [{ key: hostname, operator: 'In', values }] }
}

const hostname = 'kubernetes.io/hostname'
