import { type Address, bitsOf, familyOf } from '../../net/address.ts'
import { partsOf } from '../../net/cidr.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import type { EgressEntry } from '../file/host-firewall.ts'
import { hostPort } from '../plan/failsafe-change.ts'
import type { Probe } from './probes.ts'

/** Up to this many nodes every pair is asked; above, each node asks its neighbour in the list and a node of the control plane, and is asked by one. */
const allPairs = 5
/** Nodes that ask at all: the whole control plane, and workers up to this many. */
const mostAsking = 32
const mostEndpoints = 8
const kubelet = 10250

/**
 * Fresh connections from the nodes themselves, one of every kind: to other nodes, to each endpoint of the API, to Typha, to cluster DNS, to hosts that a list for
 * egress names. Only nodes that were looked into can be asked to make them; without one there are none.
 */
export const nodeProbes = (facts: Facts, egress: readonly EgressEntry[] = []): Probe[] => {
  const able = facts.nodes.filter(({ ready, inspected }) => ready && inspected !== undefined)
  const central = able.filter(({ controlPlane }) => controlPlane)
  const workers = able.filter(({ controlPlane }) => !controlPlane)
  const asking = [...central, ...spread(workers, mostAsking)]
  const [anchor] = central
  return asking.flatMap((from, at) => {
    const others = able.filter((node) => node !== from)
    const next = asking[(at + 1) % asking.length]
    const asked = able.length <= allPairs ? others : [...new Set([next, anchor].filter((node) => node !== undefined && node !== from))]
    return [
      ...asked.flatMap((to) => (to === undefined ? [] : meet(from, addressOf(to), kubelet, `the kubelet of ${to.name}`))),
      ...facts.apiEndpoints
        .slice(0, mostEndpoints)
        .flatMap(({ address, port }) => meet(from, address, port, `the API at ${hostPort(address, port)}`)),
      ...facts.felixPeers
        .filter((peer) => !facts.apiEndpoints.some(({ address, port }) => address === peer.address && port === peer.port))
        .slice(0, mostEndpoints)
        .flatMap(({ address, port }) => meet(from, address, port, `Typha or the API at ${hostPort(address, port)}`)),
      ...dnsOf(facts).flatMap((address) => meet(from, address, 53, `cluster DNS at ${hostPort(address, 53)}`)),
      ...lastingTargets(egress).flatMap(({ name, address, port }) => meet(from, address, port, `${hostPort(address, port)} (egress entry ${name})`)),
    ]
  })
}

/** Hosts an allowlist names, by the first TCP port: what answered before it is tried must go on answering. */
const lastingTargets = (egress: readonly EgressEntry[]): { readonly name: string; readonly address: Address; readonly port: number }[] =>
  egress
    .flatMap(({ name, to, traffic }) => {
      const port = traffic.find(({ protocol }) => protocol === 'TCP')?.ports[0]?.first
      const hosts = to.nets.map(partsOf).filter(({ address, length }) => length === bitsOf(familyOf(address)))
      return port === undefined ? [] : hosts.map(({ address }) => ({ name, address, port }))
    })
    .slice(0, mostEndpoints)

const spread = (nodes: readonly NodeFacts[], most: number): readonly NodeFacts[] =>
  nodes.length <= most
    ? nodes
    : Array.from({ length: most }, (_, at) => nodes[Math.floor((at * nodes.length) / most)]).filter((node) => node !== undefined)

const addressOf = ({ addresses }: NodeFacts): Address | undefined => (addresses.find(({ type }) => type === 'InternalIP') ?? addresses[0])?.address

/** A node's connection to an address of a family it speaks; one to itself goes over loopback and proves nothing. */
const meet = (from: NodeFacts, address: Address | undefined, port: number, what: string): Probe[] => {
  const own = from.addresses.map((one) => one.address)
  if (address === undefined || own.includes(address) || !own.some((one) => familyOf(one) === familyOf(address))) return []
  const target = { kind: 'node-tcp', node: from.name, address, port } as const
  return [{ id: `node-tcp/${from.name}/${address}/${port}`, title: `${from.name} to ${what}`, target, expect: 'open', node: from.name }]
}

/** Service kube-dns, as every distribution names it or labels it so; only where it speaks TCP and has somebody behind it. */
const dnsOf = ({ services }: Facts): Address[] =>
  services
    .filter(({ namespace, name }) => namespace === 'kube-system' && /^(kube-dns|coredns|rke2-coredns-rke2-coredns)$/.test(name))
    .filter(({ ports, endpoints }) => endpoints.length > 0 && ports.some(({ port, protocol }) => port === 53 && protocol === 'TCP'))
    .flatMap(({ clusterIPs }) => clusterIPs)
