import { isAddress, parseAddress } from '../../net/address.ts'
import { type AddressRange, holds, rangeOf } from '../../net/cidr.ts'
import type { Connection, Verdict, World } from '../../verdict/model.ts'
import type { FelixHandle, Programmed } from './felix.ts'
import type { Geography } from './geography.ts'
import { type HostPorts, type Listener, listenerAt, places } from './listeners.ts'

/** What a fresh TCP connection meets. */
export type Reach = 'OPEN' | 'REFUSED' | 'TIMEOUT'

/** Answers connections in a world, as `createVerdicts` of the verdict room does. */
export type CreateVerdicts = (world: World) => (connection: Connection) => Verdict

/** What the packets of one cluster depend on. */
export interface PacketSurroundings {
  readonly createVerdicts: CreateVerdicts
  readonly geography: () => Geography
  readonly felixes: () => ReadonlyMap<string, FelixHandle & { programmed(): Programmed }>
  readonly proxyMode: World['proxyMode']
  readonly dataplane: World['dataplane']
  readonly hosts: HostPorts
  /** API VIPs, address to port. */
  readonly vips: ReadonlyMap<string, number>
  /** The node that announces a LoadBalancer address. */
  readonly announcer: (geography: Geography) => string | undefined
  /** Told of connections the verdict does not know; they are treated as lost. */
  readonly onUnknown: (connection: Connection, verdict: Verdict) => void
}

/** How a connection is made. */
interface MeetOptions {
  /** The node that gets the packet where its destination does not say. */
  readonly via?: string | undefined
  /** Default TCP. UDP that arrives counts as OPEN, whoever listens. */
  readonly protocol?: 'TCP' | 'UDP' | undefined
}

/** What a fresh connection met, and who answered it. */
interface Met {
  readonly reach: Reach
  readonly listener: Listener
}

/** The way of packets through the cluster. */
export interface Packets {
  /** What a fresh connection meets, and who answers it. */
  meet(source: string, destination: string, port: number, options?: MeetOptions): Met
  /** Whether the firewall lets a fresh connection pass. */
  passes(connection: Connection): boolean
}

const rangesIn = new WeakMap<Geography['ipPools'], readonly AddressRange[]>()

/** Asked of every packet: the pools are read once. */
const isPod = (pools: Geography['ipPools'], text: string): boolean => {
  const ranges = rangesIn.get(pools) ?? pools.map(({ cidr }) => rangeOf(cidr))
  rangesIn.set(pools, ranges)
  const address = parseAddress(text)
  return ranges.some((range) => holds(range, address))
}

interface Known {
  readonly key: string
  readonly deciders: readonly ((connection: Connection) => Verdict)[]
  readonly met: Map<string, Met>
}

/** No node: its HostEndpoints count for selectors and enforce nothing. */
const nowhere = 'simulated.elsewhere'

/**
 * Packets between all places. Each node enforces what its own Felix has programmed, so a connection passes when every group of nodes with the
 * same programmed state lets it pass, asked with the HostEndpoints of the others enforcing nothing.
 */
export const createPackets = (around: PacketSurroundings): Packets => {
  /** What the nodes enforce at this moment, and what packets met since it changed last: tests ask for the same ones at every tick. */
  let known: Known = { key: '', deciders: [], met: new Map() }
  let surveyed: Geography | undefined
  let surveys = 0

  const now = (geography: Geography): Known => {
    if (geography !== surveyed) surveys++
    surveyed = geography
    const groups = new Map<number, { nodes: Set<string>; programmed: Programmed }>()
    const felixes = around.felixes()
    const key: string[] = [`${surveys}`]
    for (const [node, felix] of felixes) {
      const programmed = felix.programmed()
      const group = groups.get(programmed.snapshot.revision) ?? { nodes: new Set(), programmed }
      groups.set(programmed.snapshot.revision, group)
      group.nodes.add(node)
      key.push(`${node} ${programmed.snapshot.revision}`)
    }
    if (key.join() === known.key) return known
    const failsafes = Object.fromEntries([...felixes].map(([node, felix]) => [node, felix.programmed().failsafes]))
    const made = [...groups.values()].map(({ nodes, programmed: { snapshot } }) => {
      const hostEndpoints = snapshot.hostEndpoints.map((endpoint) =>
        nodes.has(endpoint.spec.node) ? endpoint : { ...endpoint, spec: { ...endpoint.spec, node: nowhere } },
      )
      const { policies, networkSets, tiers } = snapshot
      return around.createVerdicts({
        ...{ dataplane: around.dataplane, proxyMode: around.proxyMode, ...geography, podCidrs: geography.ipPools.map(({ cidr }) => cidr) },
        ...{ failsafes, hostEndpoints, policies, networkSets, tiers },
      })
    })
    known = { key: key.join(), deciders: made, met: new Map() }
    return known
  }

  const passes = (connection: Connection): boolean =>
    now(around.geography()).deciders.every((decide) => {
      const verdict = decide(connection)
      if (verdict.action === 'unknown') around.onUnknown(connection, verdict)
      return verdict.action === 'allow'
    })

  const isInside = ({ nodes, ipPools }: Geography, address: string): boolean =>
    isPod(ipPools, address) || nodes.some(({ addresses }) => addresses.some((one) => one.address === address))

  /** Packets from outside to 127.0.0.0/8 die in KUBE-FIREWALL, unless Calico has accepted them first: any HostEndpoint on the NIC is enough. */
  const dropsMartians = (via: string | undefined): boolean => {
    const programmed = via === undefined ? undefined : around.felixes().get(via)?.programmed()
    return programmed === undefined || !programmed.snapshot.hostEndpoints.some(({ spec }) => spec.node === via)
  }

  const meet: Packets['meet'] = (source, destination, port, options = {}) => {
    const geography = around.geography()
    const { met } = now(geography)
    const key = `${source} ${destination} ${port} ${options.via} ${options.protocol}`
    const before = met.get(key)
    if (before !== undefined) return before
    const fresh = arrive(geography, source, destination, port, options)
    met.set(key, fresh)
    return fresh
  }

  const arrive = (geography: Geography, source: string, destination: string, port: number, { via, protocol = 'TCP' }: MeetOptions): Met => {
    const listener = listenerAt(geography, around, destination, port, isPod)
    const lost = { reach: 'TIMEOUT', listener } as const
    const outside = !isInside(geography, source)
    const clusterOnly =
      isPod(geography.ipPools, destination) || geography.services.some(({ clusterIPs }) => clusterIPs.some((one) => one === destination))
    if (listener.kind === 'silent' || (outside && clusterOnly)) return lost
    if (outside && destination.startsWith('127.') && dropsMartians(via)) return lost
    const entrance = via ?? around.announcer(geography)
    const connection: Connection = {
      ...{ source: parseAddress(source), destination: parseAddress(destination), protocol, port },
      ...(entrance === undefined ? {} : { via: entrance }),
    }
    const refusedByProxy =
      listener.kind === 'refused' &&
      geography.services.some(({ ports, endpoints }) => endpoints.length === 0 && ports.some(({ nodePort }) => nodePort === port))
    if (refusedByProxy) return { reach: 'REFUSED', listener }
    if (!passes(connection)) return lost
    return { reach: listener.kind === 'refused' && protocol === 'TCP' ? 'REFUSED' : 'OPEN', listener }
  }
  return { meet, passes }
}

/** The address behind a name: a place, a node by its full or short name, a pod as `namespace/name`, or an address itself. */
export const addressBehind = (
  name: string,
  geography: Geography,
  podAddress: (namespace: string, pod: string) => string | undefined,
): string | undefined => {
  if (isAddress(name)) return name
  const place = places[name]
  if (place !== undefined) return place
  const [namespace = '', pod] = name.split('/')
  if (pod !== undefined) return podAddress(namespace, pod)
  return geography.nodes.find((node) => node.name === name || node.name.split('.')[0] === name)?.addresses[0]?.address
}
