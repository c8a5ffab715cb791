import { type Header, holds, type Ip, type Net } from './header.ts'
import { answers, arrive, type Kernel, leave, type Passage } from './kernel.ts'

/** Where a packet starts. */
export type Origin =
  /** A process of a node. */
  | { readonly node: string }
  /** A pod, behind its interface on a node. */
  | { readonly node: string; readonly pod: string }
  /** Outside: it comes in by the interface that holds its destination, or by `by` of `via` where none does. */
  | { readonly via?: string; readonly by: string }

/** What rules make of a packet: `both` where the kernel throws dice and the ways differ. */
type Fate = 'delivered' | 'lost' | 'both'

/** A fate, and the way the packet took, for people. */
export interface Found {
  readonly fate: Fate
  readonly ways: readonly string[]
}

/** The nodes of a cluster, and the nets beyond them that nobody answers in: ClusterIPs are no machine's. */
export interface Network {
  readonly kernels: readonly Kernel[]
  readonly nowhere: readonly Net[]
}

/** More nodes than a packet can pass in a cluster that routes sanely. */
const mostHops = 6

/** What becomes of a packet, by walking the rules of every node it meets, and back again with its answer where something goes untracked. */
export const fateOf = (network: Network, origin: Origin, header: Header): Found => {
  const ways = new Map<string, boolean>()
  // Every throw of dice is tried: the script of one run is the last run's with its last choice one further.
  let script: number[] | undefined = []
  while (script !== undefined) {
    const taken: { chosen: number; of: number }[] = []
    const planned: readonly number[] = script
    const choose = (count: number): number => {
      const chosen = planned[taken.length] ?? 0
      taken.push({ chosen, of: count })
      return chosen
    }
    const { isDelivered, way } = follow(network, origin, header, choose)
    ways.set(way, isDelivered)
    script = next(taken)
  }
  const fates = new Set(ways.values())
  return { fate: fates.size > 1 ? 'both' : fates.has(true) ? 'delivered' : 'lost', ways: [...ways.keys()] }
}

const next = (taken: readonly { readonly chosen: number; readonly of: number }[]): number[] | undefined => {
  const last = taken.findLastIndex(({ chosen, of }) => chosen + 1 < of)
  if (last < 0) return undefined
  return taken.slice(0, last + 1).map(({ chosen }, index) => (index === last ? chosen + 1 : chosen))
}

const follow = (
  { kernels, nowhere }: Network,
  origin: Origin,
  header: Header,
  choose: (count: number) => number,
): { readonly isDelivered: boolean; readonly way: string } => {
  const passages: Passage[] = []
  const told = (end: string) => `${passages.map(({ kernel }) => kernel.name).join(' > ')}: ${end}`
  let passage = begin(kernels, origin, header, choose)
  for (;;) {
    passages.push(passage)
    if (passage.fate === 'drop' || passage.fate === 'reject') return { isDelivered: false, way: told(passage.endedBy ?? passage.fate) }
    const { fate, nextHop, outInterface, kernel } = passage
    const owner = fate === 'delivered' || nextHop === undefined || isPodInterface(outInterface) ? undefined : ownerOf(kernels, nextHop, kernel)
    if (owner === undefined) {
      if (fate === 'sent' && nowhere.some((net) => holds(net, passage.after.destination))) return { isDelivered: false, way: told('nobody is there') }
      break
    }
    if (passages.length >= mostHops) return { isDelivered: false, way: told('its hops ran out') }
    passage = arrive(owner, passage.after, owner.interfaceOf(nextHop as Ip) ?? outInterface ?? '', choose)
  }
  if (!passages.some(({ kernel }) => kernel.untracks)) return { isDelivered: true, way: told('delivered') }
  const lost = [...passages].reverse().find((one) => !answers(one, choose))
  return lost === undefined
    ? { isDelivered: true, way: told('delivered and answered') }
    : { isDelivered: false, way: told(`${lost.kernel.name} drops the answer`) }
}

const isPodInterface = (name: string | undefined): boolean => name?.startsWith('cali') ?? false

const ownerOf = (kernels: readonly Kernel[], ip: Ip, but: Kernel): Kernel | undefined =>
  kernels.find((kernel) => kernel !== but && kernel.surroundings.isLocal(ip))

const begin = (kernels: readonly Kernel[], origin: Origin, header: Header, choose: (count: number) => number): Passage => {
  const named = (name: string): Kernel => {
    const found = kernels.find((kernel) => kernel.name === name)
    if (found === undefined) throw new Error(`no dump of node ${name}`)
    return found
  }
  if ('pod' in origin) return arrive(named(origin.node), header, origin.pod, choose)
  if ('node' in origin) return leave(named(origin.node), header, choose)
  const holder = kernels.find((kernel) => kernel.surroundings.isLocal(header.destination))
  const kernel = holder ?? (origin.via === undefined ? undefined : named(origin.via))
  if (kernel === undefined) throw new Error('nobody holds that destination, and no node is named by which the packet comes in')
  return arrive(kernel, header, kernel.interfaceOf(header.destination) ?? origin.by, choose)
}
