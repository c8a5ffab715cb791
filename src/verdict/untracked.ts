import { type Chain, emptyChain, walk } from './chain.ts'
import { end, type Outcome, type Trail, unknown } from './outcome.ts'
import { type Packet, protocols } from './packet.ts'
import type { At, Next } from './stages.ts'

type Direction = 'ingress' | 'egress'
const opposite = { ingress: 'egress', egress: 'ingress' } as const

/**
 * raw PREROUTING and OUTPUT: doNotTrack policy of a named HostEndpoint, failsafes before it. What it accepts is not tracked: it skips DNAT and
 * every other policy of the HostEndpoint, and its answer must be accepted by doNotTrack policy of the other direction, for connection
 * tracking does not know it: the answer of a TCP handshake counts as INVALID and is dropped. What it does not decide goes on as if it were not
 * there, but for the answer, which passes raw on its way back and may be denied there.
 */
export const beforeTracking = (at: At, direction: Direction, accepted: Next, done: () => Outcome): Outcome => {
  const { node, nic, packet, trail } = at
  const chain = chainOf(at, direction)
  if (nic.untracked?.beyond !== undefined) return unknown(trail, node.name, nic.untracked.beyond)
  // Failsafes in raw match answers too, by their source port.
  if (direction === 'ingress' ? node.inbound(packet) : node.outbound(packet)) return done()
  const onwards = (): Outcome => {
    const back = chainOf(at, opposite[direction])
    if (back === undefined) return done()
    return walk(back, answerTo(packet), node.name, trail, (result, after) => (result === 'deny' ? { action: 'deny', trail: after } : done()))
  }
  if (chain === undefined) return onwards()
  return walk(chain, packet, node.name, trail, (result, after) => {
    if (result === 'deny') return { action: 'deny', trail: after }
    return result === 'none' ? onwards() : answered(at, after, direction, accepted)
  })
}

const answered = (at: At, trail: Trail | undefined, direction: Direction, accepted: Next): Outcome => {
  const { node, packet } = at
  const back = opposite[direction]
  return walk(chainOf(at, back) ?? emptyChain, answerTo(packet), node.name, trail, (result, after) => {
    if (result === 'allow') return accepted(after)
    if (result === 'deny') return { action: 'deny', trail: after }
    if (packet.protocol !== protocols.tcp) return unknown(after, node.name, `whether ${back} policy lets the untracked answer pass is not modelled`)
    return end('deny', after, node.name, {
      stage: 'doNotTrack',
      text: `no doNotTrack policy lets the answer pass on ${back}, and untracked it is INVALID: Calico drops`,
    })
  })
}

const chainOf = ({ nic }: At, direction: Direction): Chain | undefined =>
  direction === 'ingress' ? nic.untracked?.untrackedIngress : nic.untracked?.untrackedEgress

const answerTo = (packet: Packet): Packet => ({
  ...packet,
  source: packet.destination,
  destination: packet.source,
  port: packet.sourcePort,
  sourcePort: packet.port,
})
