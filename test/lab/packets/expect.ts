import assert from 'node:assert/strict'
import type { Lab } from '../lab.ts'
import { until } from '../machine/run.ts'
import type { Answer } from './protocol.ts'
import { formatPacket, observe, type Packet, type Seen, send } from './table.ts'

/** A fresh TCP connection of a place. */
export const tcp = (from: string, host: string, port: number): Packet => ({ from, target: { protocol: 'tcp', host, port } })

/** One datagram that an echo must answer. */
export const udp = (from: string, host: string, port: number): Packet => ({ from, target: { protocol: 'udp', host, port } })

/** One ping. */
export const ping = (from: string, host: string): Packet => ({ from, target: { protocol: 'icmp', host } })

/** What every one of some packets must come to. */
export type Expected = readonly (readonly [Packet, Answer])[]

/** All packets and the one answer they must come to. */
export const all = (packets: readonly Packet[], answer: Answer): Expected => packets.map((packet) => [packet, answer] as const)

/**
 * Sends packets until they hold still and holds them to what is expected.
 * @throws AssertionError naming every packet that did otherwise
 */
export const expectPackets = async (lab: Lab, state: string, expected: Expected): Promise<Seen[]> => {
  const seen = await observe(
    lab,
    expected.map(([packet]) => packet),
  )
  const wanted = new Map(expected.map(([packet, answer]) => [formatPacket(packet), answer]))
  const wrong = seen.flatMap((one) => {
    const answer = wanted.get(formatPacket(one))
    return one.answer === answer ? [] : [`${formatPacket(one)} ${one.answer}, not ${answer}`]
  })
  assert.deepEqual(wrong, [], state)
  return seen
}

/** Milliseconds until a packet comes to an answer; tries twenty times a second. */
export const untilAnswer = async (lab: Lab, packet: Packet, answer: Answer, timeoutMs = 20_000): Promise<number> => {
  const once = async () => (await send(lab, [packet], 300))[0]?.answer === answer
  return (await until(`${formatPacket(packet)} to be ${answer}`, once, timeoutMs)).ms
}

/**
 * Every kind of packet to a worker, the control plane and the VIPs, from outside and inside: small enough to be asked in each of many states.
 * Where a packet's way depends on the pod kube-proxy picks, it is left out.
 */
export const keyPackets = ({ layout }: Pick<Lab, 'layout'>): Packet[] => {
  const [control1, ws1] = layout.nodes
  if (control1 === undefined || ws1 === undefined) return []
  const ports = [22, 23, 9100, 10250, layout.nodePorts.cluster, layout.nodePorts.local]
  return ['win', 'inet', 'control1', 'ws2', 'app1-ws2', 'app1-ws1'].flatMap((from) => [
    ...ports.map((port) => tcp(from, ws1.address, port)),
    tcp(from, control1.address, layout.api.port),
    tcp(from, control1.address, 23),
    tcp(from, layout.loadBalancer, 80),
    tcp(from, layout.api.vip, layout.api.vipPort),
    udp(from, ws1.address, 9100),
    ping(from, ws1.address),
  ])
}

/** Whether a packet starts outside the cluster. */
export const fromOutside = ({ from }: Packet): boolean => ['adm', 'win', 'inet'].includes(from)

/** The home firewall's answer to {@link keyPackets}: outsiders reach failsafes, VIPs and ICMP, everybody else everything. */
export const homeClosed = ({ layout }: Pick<Lab, 'layout'>, packet: Packet): Answer => {
  const { target } = packet
  if (!fromOutside(packet) || target.protocol === 'icmp') return 'OPEN'
  const vips = [layout.loadBalancer, layout.api.vip]
  const open = vips.includes(target.host) || (target.protocol === 'tcp' && (target.port === 22 || target.port === layout.api.port))
  return open ? 'OPEN' : 'TIMEOUT'
}
