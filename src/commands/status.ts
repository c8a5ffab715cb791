import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { readSituation, type Situation } from '../rollout/situation.ts'
import type { CommandContext } from './context.ts'
import { storageServed } from './switch-flavour.ts'

/** What `status` finds, in one word. */
export type Standing = 'none' | 'kept' | 'trial' | 'expired' | 'opened'

/** The one word. A trial is armed; an expired one has HostEndpoints that nothing closes. */
export const standingOf = ({ opened, gates, unfinished, committed, hostEndpoints }: Situation): Standing => {
  if (opened) return 'opened'
  if (gates.some(({ armed }) => armed)) return 'trial'
  if (unfinished.length > 0) return 'expired'
  return committed.length > 0 && hostEndpoints.length > 0 ? 'kept' : 'none'
}

/** What goes on, who does it, and what happens next and when: the same from any machine, for it is read from the cluster alone. */
export const sentencesOf = (situation: Situation, now: Date): string[] => {
  const { lock, gates, unfinished, hostEndpoints } = situation
  const nodes = new Set(hostEndpoints.map(({ spec }) => spec.node)).size
  const next: Record<Standing, string[]> = {
    none: ['No firewall of this tool is in force.', 'next: kubectl calico-fw init'],
    kept: [`The firewall is kept: ${plural(hostEndpoints.length, 'interface')} on ${plural(nodes, 'node')} closed but for what it allows.`],
    trial: gates
      .filter(({ armed }) => armed)
      .flatMap(({ change, expiresAt }) => [
        `Change ${change} is on trial: the cluster opens by itself ${expiresAt === undefined ? 'when its Job ends' : whenOf(expiresAt, now)}.`,
        'keep it:  kubectl calico-fw confirm',
        'end it:   kubectl calico-fw open',
      ]),
    expired: [
      `Change ${unfinished.join(' and ')} was never kept: its HostEndpoints are there, nothing closes them, everything is open.`,
      'clean up: kubectl calico-fw rollback',
    ],
    opened: [
      'Everything is open: GlobalNetworkSet calico-fw-open exists.',
      'close again, on trial: kubectl calico-fw init',
      'or clean up:           kubectl calico-fw rollback',
    ],
  }
  const holder = lock === undefined ? [] : [`${lock.holder} holds the lock; its last sign of life is ${secondsSince(lock.renewedAt, now)} s old.`]
  return [...next[standingOf(situation)], ...holder]
}

/** Exit 0 when the firewall is kept or there is none; 1 when something waits for the operator. */
export const run = async ({ cluster, context, printer }: CommandContext): Promise<ExitCode> => {
  const situation = await readSituation(cluster.api, (await storageServed(cluster.api)) ? 'aggregated' : 'native')
  const standing = standingOf(situation)
  for (const sentence of sentencesOf(situation, context.clock.wall())) printer.data(sentence)
  if (situation.changes.length > 0) printer.data('')
  for (const change of situation.changes) {
    const fate = change.undoneBy === undefined ? '' : `  (taken back by ${change.undoneBy})`
    printer.data(`change ${change.number}  ${change.at}  ${change.by}  ${change.command}${fate}`)
  }
  if (situation.changes.length > 0) printer.data('undo the last one: kubectl calico-fw rollback')
  printer.document('Status', {
    standing,
    committedRuns: situation.committed,
    unfinishedRuns: situation.unfinished,
    gates: situation.gates.map(({ change, armed, expiresAt }) => ({
      change,
      armed,
      ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    })),
    ...(situation.lock === undefined ? {} : { lock: { holder: situation.lock.holder, renewedAt: situation.lock.renewedAt.toISOString() } }),
    hostEndpoints: situation.hostEndpoints.map(({ metadata, spec }) => ({ name: metadata.name, node: spec.node, interfaceName: spec.interfaceName })),
    changes: situation.changes,
  })
  return standing === 'none' || standing === 'kept' ? exitCodes.ok : exitCodes.failure
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const secondsSince = (date: Date, now: Date): number => Math.max(0, Math.round((now.getTime() - date.getTime()) / 1000))

const whenOf = (date: Date, now: Date): string => {
  const seconds = Math.round((date.getTime() - now.getTime()) / 1000)
  return seconds > 0 ? `in about ${seconds} s unless it is renewed` : `now: its deadline passed ${-seconds} s ago`
}
