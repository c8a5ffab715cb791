import type { Lab } from '../lab.ts'
import type { Layout } from '../layout.ts'
import { allLifeLines, type LifeLine } from '../packets/life-lines.ts'
import type { Answer } from '../packets/protocol.ts'
import { formatPacket, homePackets, type Packet, type Seen } from '../packets/table.ts'

// Neither node nor pod: what the firewall is for.
const outsiders = ['adm', 'win', 'inet'] as const

/** Whether a place is neither node nor pod. */
export const isOutsider = (place: string): boolean => outsiders.some((name) => name === place)

/** What `examples/home.yaml` leaves open to everyone, by port: SSH and the API are failsafes, the two VIPs are allowed. */
const isOpenToAll = (layout: Layout, { target }: Packet): boolean => {
  if (target.protocol !== 'tcp') return true
  if (target.host === layout.loadBalancer) return target.port === 80 || target.port === 443
  return target.port === 22 || target.port === layout.api.port || target.port === layout.api.vipPort
}

/** What a packet must come to behind the home firewall. */
export const closedAnswer = (layout: Layout, packet: Packet): Answer => (isOutsider(packet.from) && !isOpenToAll(layout, packet) ? 'TIMEOUT' : 'OPEN')

/** What was seen and is not as it must be; empty where all is. */
export const mismatches = (seen: readonly Seen[], wanted: (packet: Packet) => Answer): string[] =>
  seen.filter((one) => one.answer !== wanted(one)).map((one) => `${formatPacket(one)} ${one.answer} instead of ${wanted(one)}`)

/** A few of many, for a line of text. */
export const inBrief = (lines: readonly string[], most = 6): string =>
  lines.length <= most ? lines.join(', ') : `${lines.slice(0, most).join(', ')} and ${lines.length - most} more`

/** Lines that no moment of a run may cut: between nodes and pods, and from everybody to what stays open to all. */
export const neverCut = (lab: Lab): LifeLine[] => [
  ...allLifeLines(lab),
  ...homePackets(lab.layout).filter((packet) => isOutsider(packet.from) && isOpenToAll(lab.layout, packet)),
]

/** Lines that close with their node, from a client on the LAN and from a stranger: by these one sees when a node opens again. */
export const closable = ({ layout }: Lab): LifeLine[] =>
  layout.nodes.flatMap(({ address: host }) => [
    { from: 'win', target: { protocol: 'tcp', host, port: 9100 } },
    { from: 'inet', target: { protocol: 'tcp', host, port: layout.nodePorts.cluster } },
  ])
