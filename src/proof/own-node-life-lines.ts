import type { NodeFacts } from '../firewall/facts/facts.ts'
import { parseAddress } from '../net/address.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet, trustNodes } from './life-line.ts'

const loopback = parseAddress('127.0.0.1')
const named = 'name the network interface in every HostEndpoint: * polices loopback, a named one never sees it'

/** What a node says to itself, which only HostEndpoint * sees, and what nodes say to each other over NICs that hold no InternalIP. */
export const ownNodeLifeLines = ({ callers, pairs }: Cast): LifeLine[] => [
  ...callers.flatMap((node) =>
    internal(node).map((address) => ({
      title: `node ${node.name} -> itself at ${address} (10250/tcp)`,
      connection: { source: address, destination: address, protocol: 'TCP' as const, port: 10250 },
      why: 'kubelet’s probes of hostNetwork pods, and components that call their own node, go this way',
      ...{ remedy: named, nodes: [node.name] },
    })),
  ),
  {
    title: 'localhost of every node (10257/tcp)',
    connection: { source: loopback, destination: loopback, protocol: 'TCP', port: 10257 },
    why: 'probes of the control plane and of calico-node itself go over loopback',
    ...{ remedy: named, nodes: [] },
  },
  ...pairs.flatMap(([one, other]) => overOtherNics(one, other)),
]

/** Storage and migration networks: NICs of the same name are taken to stand in the same network. */
const overOtherNics = (one: NodeFacts, other: NodeFacts): LifeLine[] =>
  one.interfaces.flatMap(({ name, addresses }) => {
    const peers = other.interfaces.find((nic) => nic.name === name)?.addresses ?? []
    return meet(without(addresses, one), without(peers, other)).map(([source, destination]) => ({
      title: `node ${one.name} -> node ${other.name} over ${name}, any TCP port (9100/tcp)`,
      connection: { source, destination, protocol: 'TCP' as const, port: 9100 },
      why: 'storage and other traffic between nodes goes over their second network',
      ...{ remedy: trustNodes, nodes: [one.name, other.name] },
    }))
  })

const without = (addresses: NodeFacts['interfaces'][number]['addresses'], node: NodeFacts) => {
  const own = new Set(internal(node))
  return addresses.filter((address) => !own.has(address))
}
