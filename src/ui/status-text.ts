import { formatRef } from '../calico/object.ts'
import type { HostEndpoint } from '../calico/shapes.ts'
import { isOverAnother } from '../firewall/adoption/adoption.ts'
import { runOf } from '../firewall/facts/standing.ts'
import type { Coverage } from '../firewall/plan/coverage.ts'
import { listed } from '../firewall/plan/differences.ts'
import { limitsUnkept, type Situation } from '../rollout/situation.ts'
import { counted } from './wrap.ts'

/** What `status` finds, in one word. */
export type Standing = 'none' | 'kept' | 'trial' | 'expired' | 'opened'

/** The one word. A trial's gate is armed; an expired one, in words one that is not kept, has HostEndpoints that nothing closes. */
export const standingOf = ({ opened, gates, unfinished, committed, hostEndpoints }: Situation): Standing => {
  if (opened) return 'opened'
  if (gates.some(({ armed }) => armed)) return 'trial'
  if (unfinished.length > 0) return 'expired'
  return committed.length > 0 && hostEndpoints.length > 0 ? 'kept' : 'none'
}

/** What is left to do where a firewall is kept and the one it was tried over is still there. */
export const unfinishedAdoption: readonly string[] = [
  'Not all of the firewall it took over is gone: where it is not, that one still decides.',
  'finish it, on trial: kubectl calico-fw adopt',
]

/** What is left to do where a trial was kept that had not come to its end. */
export const unfinishedTrial: readonly string[] = [
  'Not all of it had been tried: what the change takes away is not taken away yet.',
  'go on, on trial: kubectl calico-fw sync',
]

/** What goes on, who does it, and what happens next and when: the same from any machine, for it is read from the cluster alone. */
export const sentencesOf = (situation: Situation, now: Date): string[] => {
  const { lock, gates, unfinished, committed, hostEndpoints } = situation
  const nodesOf = (some: readonly HostEndpoint[]) => new Set(some.map(({ spec }) => spec.node)).size
  const stay = nodesOf(hostEndpoints.filter((one) => committed.some((run) => run === runOf(one))))
  const staying = stay === 0 ? '' : `; ${counted(stay, 'node')} that earlier changes closed ${stay === 1 ? 'stays' : 'stay'} closed`
  const over = hostEndpoints.filter(isOverAnother)
  const again = 'the firewall that was there before is in force'
  const next: Record<Standing, string[]> = {
    none: ['No firewall of this tool is in force.', 'next: kubectl calico-fw init'],
    kept: [
      `The firewall is kept: ${counted(hostEndpoints.length, 'interface')} on ${counted(nodesOf(hostEndpoints), 'node')} closed but for what it allows.`,
      ...(over.length === 0 ? [] : unfinishedAdoption),
    ],
    trial: gates
      .filter(({ armed }) => armed)
      .flatMap(({ change, expiresAt }) => {
        const when = expiresAt === undefined ? 'when its Job ends' : whenOf(expiresAt, now)
        const closes = hostEndpoints.some((one) => runOf(one) === change)
        const opens = `${over.length > 0 ? `what it closes opens by itself ${when}, and then ${again} again` : `${closes && stay === 0 ? 'the cluster' : 'what it closes'} opens by itself ${when}`}${staying}.`
        // A run that stopped before its first HostEndpoint, or one that takes openings back: confirm keeps neither.
        return [
          `Change ${change} is on trial${closes ? '' : ', with no node closed by it'}: ${opens}`,
          ...(closes ? ['keep it:   kubectl calico-fw confirm'] : []),
          ...(closes && stay === 0 && over.length === 0 ? ['open now:  kubectl calico-fw open'] : []),
          'undo it:   kubectl calico-fw rollback',
        ]
      }),
    expired: [
      `Change ${unfinished.join(' and ')} ${unfinished.length === 1 ? 'is' : 'are'} not kept: its HostEndpoints are there, nothing closes them, ${over.length > 0 ? `${again}, with what this one opens` : `${stay === 0 ? 'everything' : 'what it closed'} is open`}${staying}.`,
      ...(limitsUnkept(situation)
        ? ['What its nodes send is limited still, by GlobalNetworkPolicy calico-fw-egress: kubectl calico-fw open lets it out.']
        : []),
      'take it back:             kubectl calico-fw rollback',
      `take it back and go on:   kubectl calico-fw ${over.length > 0 ? 'adopt' : 'init'}`,
    ],
    opened: hasFirewall(situation)
      ? [
          'Everything is open: GlobalNetworkSet calico-fw-open exists.',
          ...(unfinished.length === 0 ? ['close again, on trial:            kubectl calico-fw sync'] : []),
          'undo the last change:             kubectl calico-fw rollback   # what earlier changes closed closes again, on trial',
          'take everything away, stay open:  kubectl calico-fw rollback --to 0',
        ]
      : [
          'GlobalNetworkSet calico-fw-open exists, and this cluster has no firewall of this tool: nothing was closed.',
          'take it away:  kubectl calico-fw rollback --to 0',
        ],
  }
  const step = lock?.step === undefined ? '' : `, at "${lock.step}"`
  const holder =
    lock === undefined ? [] : [`${lock.holder} holds the lock${step}; its last sign of life is ${secondsSince(lock.renewedAt, now)} s old.`]
  return [...next[standingOf(situation)], ...holder]
}

/** Whether anything is here that could close, or did. */
export const hasFirewall = ({ hostEndpoints, changes, firewall, damaged }: Situation): boolean =>
  hostEndpoints.length > 0 || changes.length > 0 || firewall !== undefined || damaged.length > 0

/** How an object of ours comes to stand in no checkpoint. */
export const strayReasons =
  'its checkpoints were deleted, a client that was stopped wrote it late, or "kubectl calico-fw open" ran where there was no firewall'

/** What no checkpoint explains, so that no undo of a single change would find it. */
export const straySentences = (strays: Situation['strays']): string[] =>
  strays.length === 0
    ? []
    : [
        `No checkpoint knows ${listed(strays.map(formatRef))}: ${strayReasons}.`,
        'open everything, take it all away: kubectl calico-fw rollback --to 0',
      ]

/** What a kept firewall leaves open, in sentences. */
export const coverageSentences = ({ uncovered, unmatched, otherInterfaces, egress, orphans, failsafes }: Coverage): string[] => {
  const nics = (pairs: Coverage['uncovered']) => pairs.map(({ node, interfaceName }) => `${interfaceName} on ${node}`).join(', ')
  return [
    ...(uncovered.length === 0
      ? []
      : [`Not closed, although the file selects it: ${nics(uncovered)}.`, 'close it, on trial: kubectl calico-fw sync']),
    ...(egress === 'limited'
      ? [
          'What nodes send is limited by GlobalNetworkPolicy calico-fw-egress, although the file does not limit it.',
          'let it out: kubectl calico-fw sync',
        ]
      : []),
    ...(egress === 'unlimited'
      ? [
          'Everything leaves, although the file limits it: GlobalNetworkPolicy calico-fw-egress is not there for every node.',
          'limit it, on trial: kubectl calico-fw sync',
        ]
      : []),
    ...(unmatched.length === 0 ? [] : [`Not selected by the file, so open: ${unmatched.join(', ')}.`]),
    ...(otherInterfaces.length === 0 ? [] : [`Interfaces the file does not name, so open: ${nics(otherInterfaces)}.`]),
    ...(orphans.length === 0 ? [] : [`HostEndpoints of nodes that are gone: ${orphans.join(', ')}.`]),
    `Open to everyone by failsafe, whatever the file says: ${failsafes}.`,
  ]
}

/** What became of a change, where it is not simply in force. */
export const fateOf = ({ number, undoneBy, end }: Situation['changes'][number], { gates, unfinished }: Situation): string => {
  if (undoneBy !== undefined) return `  (taken back by ${undoneBy})`
  if (gates.some(({ change, armed }) => armed && change === number)) return '  (on trial)'
  if (unfinished.includes(number)) return '  (not kept)'
  if (end === undefined) return '  (not finished)'
  return end.outcome === 'done' ? '' : `  (${end.outcome === 'rolled-back' ? 'taken back' : 'not wholly taken back'})`
}

const secondsSince = (date: Date, now: Date): number => Math.max(0, Math.round((now.getTime() - date.getTime()) / 1000))

const whenOf = (date: Date, now: Date): string => {
  const seconds = Math.round((date.getTime() - now.getTime()) / 1000)
  return seconds > 0 ? `in about ${seconds} s unless it is renewed` : `now: its deadline passed ${-seconds} s ago`
}
