import type { Components, OperatorPath } from '../firewall/facts/components.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import type { ProxyFacts } from './control-plane.ts'
import type { DiscoveryContext } from './discover.ts'
import { inspectNodes } from './inspect-nodes.ts'
import type { SocketQuestions } from './inspect-sockets.ts'
import type { Reader } from './reader.ts'
import { someOf, unseenOfNodes, withInspection } from './with-inspections.ts'

/** The nodes with what a look into them found; what it did not show is noted. */
export const lookedInto = async (
  nodes: readonly NodeFacts[],
  reader: Reader,
  { runInPod, runInHostPod, inspectLimit, now, signal }: DiscoveryContext,
  questions: SocketQuestions,
): Promise<NodeFacts[]> => {
  const seen = runInPod === undefined ? [...nodes] : await inspected()
  noteInterfaces(reader, seen)
  return seen

  async function inspected(): Promise<NodeFacts[]> {
    const inspections = await inspectNodes(nodes, runInPod as NonNullable<typeof runInPod>, {
      ...{ now, questions },
      ...(signal === undefined ? {} : { signal }),
      ...(inspectLimit === undefined ? {} : { limit: inspectLimit }),
      ...(runInHostPod === undefined ? {} : { runInHostPod }),
    })
    for (const unseen of unseenOfNodes(inspections)) reader.note(unseen)
    return nodes.map((node) => {
      const inspection = inspections.found.get(node.name)
      return inspection === undefined ? node : withInspection(node, inspection)
    })
  }
}

const noteInterfaces = (reader: Reader, nodes: readonly NodeFacts[]): void => {
  const without = nodes.filter(({ interfaces }) => interfaces.length === 0).map(({ name }) => name)
  if (without.length === 0) return
  const why = 'no annotation projectcalico.org/Interfaces; Calico writes it from 3.31 on, where it detects the nodes’ addresses itself'
  reader.note({ kind: 'interfaces', what: `interfaces of ${someOf(without)}`, why, nodes: without })
}

/** kube-proxy's mode by what it left on the nodes, where no object tells it: k3s and RKE2 run it inside their own process. */
export const proxySeen = (told: ProxyFacts, nodes: readonly NodeFacts[]): ProxyFacts => {
  if (told.mode !== 'unknown') return told
  for (const { name, inspected } of nodes) {
    const source = `rules on node ${name}`
    if (inspected?.interfaces.some((one) => one.name === 'kube-ipvs0')) return { mode: 'ipvs', source }
    if (inspected?.backends.kubeProxy.includes('nftables')) return { mode: 'nftables', source }
    if (inspected !== undefined && inspected.backends.kubeProxy.length > 0) return { mode: 'iptables', source }
  }
  return told
}

/** Where nodes were seen to ask for the time. */
export const timeServersOf = (nodes: readonly NodeFacts[]): Components['timeServers'] => [
  ...new Set(nodes.flatMap(({ inspected }) => inspected?.timeServers ?? [])),
]

/** Our own path, with what control-plane nodes say of our connections. */
export const operatorPathOf = (
  { via = 'direct', jumpedFrom }: NonNullable<DiscoveryContext['operator']>,
  nodes: readonly NodeFacts[],
  addresses: readonly Address[],
): OperatorPath => {
  const looks = nodes.flatMap(({ inspected }) => (inspected?.operatorSeen === undefined ? [] : [inspected.operatorSeen]))
  const seen = new Set(looks.flat())
  return {
    via,
    confirmed: addresses.filter((address) => seen.has(address)),
    looked: looks.length > 0,
    ...(jumpedFrom === undefined ? {} : { jumpedFrom }),
  }
}
