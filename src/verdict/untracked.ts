import { type Chain, walk } from './chain.ts'
import type { World } from './model.ts'
import { agree, end, type Outcome, unknown } from './outcome.ts'
import { hasAnswer, type Packet, protocols, turned } from './packet.ts'
import type { At, Next } from './stages.ts'

type Direction = 'ingress' | 'egress'

/** How connection tracking knows a packet that is about to leave or to arrive: as the wire showed it, translated, perhaps translated, or not at all. */
export type Tracking = 'plain' | 'translated' | 'perhaps translated' | 'untracked'

/**
 * raw PREROUTING and OUTPUT: doNotTrack policy of a named HostEndpoint, failsafes before it. What it accepts is not tracked: it skips DNAT and
 * the other ingress policies of the HostEndpoint. What it does not decide goes on as if it were not there; answers see it too: {@link answered}.
 */
export const beforeTracking = (at: At, direction: Direction, accepted: Next, done: () => Outcome): Outcome => {
  const { node, nic, packet, trail } = at
  const chain = chainOf(at, direction)
  if (nic.untracked?.beyond !== undefined) return unknown(trail, node.name, nic.untracked.beyond)
  if (chain === undefined || isFailsafe(at, direction, packet)) return done()
  return walk(chain, packet, node.name, trail, (result, after) => {
    if (result === 'deny') return { action: 'deny', trail: after }
    return result === 'none' ? done() : accepted(after)
  })
}

/** What a UDP answer meets that nobody tracked: it counts as a new packet of its own. */
export type AsNew = (back: At, next: Next) => Outcome

/**
 * The answer on its way back by the same interface, which raw sees before connection tracking does. A Deny there loses it; an Allow leaves it
 * untracked, so that a translation is not undone; and the answer to what was never tracked counts as INVALID unless it is accepted there too.
 */
export const answered = (at: At, direction: Direction, { dataplane }: World, tracking: Tracking, next: Next, asNew?: AsNew): Outcome => {
  const { node, nic, packet, trail } = at
  if (nic.untracked === undefined && tracking !== 'untracked') return next(trail)
  if (!hasAnswer(packet)) return next(trail)
  const answer = turned(packet)
  const unseen = (after: At['trail']): Outcome => {
    if (tracking !== 'untracked') return next(after)
    if (packet.protocol === protocols.udp || packet.protocol === protocols.udplite) {
      if (asNew !== undefined) return asNew({ ...at, packet: answer, trail: after }, next)
      return unknown(after, node.name, 'whether policy lets the untracked answer pass through the node again is not modelled')
    }
    // Felix's nftables OUTPUT asks `ct status` before it jumps to any HostEndpoint, which never matches what connection tracking does not know.
    if (dataplane === 'nftables' && direction === 'egress') return next(after)
    return end('deny', after, node.name, {
      stage: 'doNotTrack',
      text: `no doNotTrack policy lets the answer pass on ${direction}, and untracked it is INVALID: Calico drops`,
    })
  }
  const chain = chainOf(at, direction)
  if (chain === undefined || isFailsafe(at, direction, answer)) return unseen(trail)
  return walk(chain, answer, node.name, trail, (result, after) => {
    if (result === 'deny') return { action: 'deny', trail: after }
    if (result === 'none') return unseen(after)
    const lost = (): Outcome =>
      end('deny', after, node.name, {
        stage: 'doNotTrack',
        text: 'doNotTrack policy takes the answer out of tracking, so its translation is not undone',
      })
    if (tracking === 'translated') return lost()
    if (tracking !== 'perhaps translated') return next(after)
    return agree(after, node.name, 'whether the packet is masqueraded', [lost, () => next(after)], (way) => way())
  })
}

/** Failsafes in raw let answers pass too: those to what the other direction's failsafes let out (felix/rules/static.go `failsafeInChain`). */
const isFailsafe = ({ node }: At, direction: Direction, packet: Packet): boolean =>
  direction === 'ingress' ? node.inbound(packet) || node.outbound(turned(packet)) : node.outbound(packet) || node.inbound(turned(packet))

const chainOf = ({ nic }: At, direction: Direction): Chain | undefined =>
  direction === 'ingress' ? nic.untracked?.untrackedIngress : nic.untracked?.untrackedEgress
