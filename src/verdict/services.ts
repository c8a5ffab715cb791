import type { ServiceFacts, ServicePortFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import type { AddressBook } from './address-book.ts'
import type { Ip } from './ip.ts'
import type { World } from './model.ts'
import { type Packet, protocolNumber } from './packet.ts'

/** One address and port kube-proxy answers to. */
export interface Frontend {
  readonly service: ServiceFacts
  readonly port: ServicePortFacts
  /** How the client addressed the Service. */
  readonly by: 'cluster-ip' | 'external-ip' | 'load-balancer' | 'node-port'
}

/** Where kube-proxy may send a connection. */
export interface Backend {
  readonly ip: Ip
  readonly port: number
  /** The node that runs it, where known. */
  readonly node: string | undefined
}

/** The Services of a world, as kube-proxy on every node knows them. */
export interface ServiceTable {
  /** The frontend a packet meets on a node; `ownAddress` says whether its destination is an address of that node. */
  readonly frontend: (packet: Packet, ownAddress: () => boolean) => Frontend | undefined
  /** Services reached under this address, whatever the port; empty for an address that is no Service's. */
  readonly at: (address: Address) => readonly ServiceFacts[]
  /** The endpoints behind a frontend, of the packet's family. */
  readonly backends: (frontend: Frontend, family: Ip['family']) => readonly Backend[]
  /** The node an endpoint says it runs on. */
  readonly nodeOf: (address: Address) => string | undefined
}

/** Indexes Services by what clients dial. */
export const createServiceTable = ({ services }: World, book: AddressBook): ServiceTable => {
  const byAddress = new Map<Address, Map<number, Frontend>>()
  const byNodePort = new Map<number, Frontend>()
  const at = new Map<Address, ServiceFacts[]>()
  const nodes = new Map<Address, string>()
  for (const service of services) {
    const fronts = [
      ...service.clusterIPs.map((address) => ({ address, by: 'cluster-ip' as const })),
      ...service.externalIPs.map((address) => ({ address, by: 'external-ip' as const })),
      ...service.loadBalancerIPs.map((address) => ({ address, by: 'load-balancer' as const })),
    ]
    for (const { address, by } of fronts) {
      at.set(address, [...(at.get(address) ?? []), service])
      const ports = byAddress.get(address) ?? new Map<number, Frontend>()
      byAddress.set(address, ports)
      for (const port of service.ports) ports.set(keyOf(protocolNumber(port.protocol), port.port), { service, port, by })
    }
    for (const port of service.ports) {
      if (port.nodePort !== undefined) byNodePort.set(keyOf(protocolNumber(port.protocol), port.nodePort), { service, port, by: 'node-port' })
    }
    for (const { address, node } of service.endpoints) if (node !== undefined) nodes.set(address, node)
  }
  return {
    frontend: ({ destination, protocol, port }, ownAddress) => {
      if (port === undefined) return undefined
      const key = keyOf(protocol, port)
      return byAddress.get(destination.text)?.get(key) ?? (byNodePort.has(key) && ownAddress() ? byNodePort.get(key) : undefined)
    },
    at: (address) => at.get(address) ?? nobody,
    backends: memoizedBackends(book),
    nodeOf: (address) => nodes.get(address),
  }
}

const nobody: readonly ServiceFacts[] = []

const keyOf = (protocol: number | undefined, port: number): number => (protocol ?? 0) * 65536 + port

const memoizedBackends = (book: AddressBook): ServiceTable['backends'] => {
  const known = new Map<Frontend, Record<Ip['family'], readonly Backend[]>>()
  return (frontend, family) => {
    const found = known.get(frontend)
    if (found !== undefined) return found[family]
    const all = backendsOf(frontend, book)
    const made = { 4: all.filter(({ ip }) => ip.family === 4), 6: all.filter(({ ip }) => ip.family === 6) }
    known.set(frontend, made)
    return made[family]
  }
}

/** Every ready endpoint with the port of the same name. */
const backendsOf = ({ service, port }: Frontend, book: AddressBook): Backend[] =>
  service.endpoints.flatMap(({ address, node, ports }) => {
    const target = ports.find(({ name }) => (name ?? '') === (port.name ?? ''))
    return target === undefined ? [] : [{ ip: book.ip(address), port: target.port, node }]
  })

/** `Service app1/app1-local port 80`. */
export const formatFrontend = ({ service, port }: Frontend): string => `Service ${service.namespace}/${service.name} port ${port.name ?? port.port}`
