import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet, trustPods } from './life-line.ts'
import { podOf } from './pod-address.ts'

/** Pods to pods and nodes elsewhere, nodes to pods elsewhere, and pods to their own node. */
export const podLifeLines = ({ pairs, callers }: Cast): LifeLine[] => [
  ...pairs.flatMap(([one, other]) => [
    ...lines(`a pod on ${one.name}`, `node ${other.name}`, podOf(one), internal(other), [one, other]),
    ...lines(`a pod on ${one.name}`, `a pod on ${other.name}`, podOf(one), podOf(other), [one, other]),
    ...lines(`node ${one.name}`, `a pod on ${other.name}`, internal(one), podOf(other), [one, other]),
  ]),
  ...callers.flatMap((node) => lines(`a pod on ${node.name}`, 'its own node', podOf(node), internal(node), [node])),
]

const lines = (from: string, to: string, sources: readonly Address[], targets: readonly Address[], nodes: readonly NodeFacts[]): LifeLine[] =>
  meet(sources, targets).map(([source, destination]) => ({
    title: `${from} -> ${to} (9100/tcp)`,
    connection: { source, destination, protocol: 'TCP', port: 9100 },
    why: 'workloads, DNS, probes and webhooks live on it',
    remedy: trustPods,
    nodes: nodes.map(({ name }) => name),
  }))
