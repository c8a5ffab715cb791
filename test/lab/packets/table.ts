import type { Lab } from '../lab.ts'
import { type Layout, vantages } from '../layout.ts'
import { pause } from '../machine/run.ts'
import { type Answer, formatTarget, type Target } from './protocol.ts'

/** A packet somebody sends. */
export interface Packet {
  readonly from: string
  readonly target: Target
}

/** A packet and what became of it. */
export interface Seen extends Packet {
  readonly answer: Answer
}

/** Every place to every port that matters in the home cluster: host ports, failsafes, NodePorts, VIPs. */
export const homePackets = (layout: Layout): Packet[] => {
  const nodePorts = [layout.nodePorts.cluster, layout.nodePorts.local]
  const onNodes = layout.nodes.flatMap((node) =>
    [...layout.listeners, 10250, ...nodePorts, ...(node.controlPlane ? [layout.api.port] : [])].map((port) => ({ host: node.address, port })),
  )
  const onVips = [
    { host: layout.loadBalancer, port: 80 },
    { host: layout.loadBalancer, port: 443 },
    { host: layout.api.vip, port: layout.api.vipPort },
  ]
  return vantages(layout).flatMap((place) =>
    [...onNodes, ...onVips].map(({ host, port }) => ({ from: place.name, target: { protocol: 'tcp', host, port } })),
  )
}

/** Sends each packet once, all at the same time, over fresh connections. */
export const send = async (lab: Lab, packets: readonly Packet[], timeoutMs?: number): Promise<Seen[]> => {
  const places = [...new Set(packets.map((packet) => packet.from))]
  const answered = await Promise.all(
    places.map(async (from) => {
      const own = packets.filter((packet) => packet.from === from)
      const answers = await lab.agent(from).probe(
        own.map((packet) => packet.target),
        timeoutMs,
      )
      return own.map((packet, index): Seen => ({ ...packet, answer: answers[index] ?? 'ERR:unanswered' }))
    }),
  )
  return answered.flat()
}

/**
 * Sends again and again until two rounds a second apart agree, and returns what they agree on. Felix needs up to two seconds to program a change,
 * so what was seen right after a write is no answer.
 * @throws Error naming what will not hold still
 */
export const observe = async (lab: Lab, packets: readonly Packet[], rounds = 10): Promise<Seen[]> => {
  let last = await send(lab, packets)
  for (let round = 1; round < rounds; round++) {
    await pause(1000)
    const next = await send(lab, packets)
    const changed = next.filter((seen, index) => seen.answer !== last[index]?.answer)
    if (changed.length === 0) return next
    last = next
    if (round === rounds - 1) throw new Error(`these will not hold still: ${changed.map(formatPacket).join(', ')}`)
  }
  return last
}

/** `win -> 192.168.218.174:22`. */
export const formatPacket = ({ from, target }: Packet): string => `${from} -> ${formatTarget(target)}`

/** What was seen as a table: a row per target, a column per place, `.` for what was not sent. */
export const renderTable = (seen: readonly Seen[]): string => {
  const places = [...new Set(seen.map(({ from }) => from))]
  const targets = [...new Set(seen.map(({ target }) => formatTarget(target)))]
  const answers = new Map(seen.map((one) => [formatPacket(one), one.answer]))
  const rows = targets.map((target) => [target, ...places.map((place) => answers.get(`${place} -> ${target}`) ?? '.')])
  const table = [['TARGET', ...places], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return `${table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`
}
