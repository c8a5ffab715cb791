import { FwError } from '../errors.ts'
import type { Outcome, Reason } from '../rollout/state.ts'
import { sentenceOf } from './error-text.ts'
import { type LapseWords, lapseWords } from './lapse-words.ts'
import type { Theme } from './theme.ts'

/** How a run that did not end as it should is told; undefined when it did. What stopped it speaks for itself where nothing had been written. */
export const outcomeError = (outcome: Outcome, words = lapseWords('all')): unknown => {
  switch (outcome.kind) {
    case 'done':
      return undefined
    case 'refused':
      return outcome.reason.error ?? new FwError('FW_INTERRUPTED', outcome.reason.text, { why: 'nothing had been written' })
    case 'rolled-back':
      if (outcome.opened === true)
        return new FwError('FW_ROLLED_BACK', 'the change was not kept, and everything is open', {
          why: because(outcome.reason),
          fix: 'take it back: kubectl calico-fw rollback',
          cause: outcome.reason.error,
        })
      return new FwError('FW_ROLLED_BACK', 'the change was taken back: the cluster is as it was before', {
        why: because(outcome.reason),
        fix:
          outcome.reason.kind === 'declined' || outcome.reason.kind === 'interrupted'
            ? 'run the command again when you are ready'
            : fixOf(outcome.reason),
        cause: outcome.reason.error,
      })
    case 'incomplete':
      return new FwError('FW_ROLLBACK_INCOMPLETE', `the rollback could not finish: ${outcome.remaining.map(({ title }) => title).join(', ')}`, {
        why: [because(outcome.reason), ...new Set(outcome.remaining.map(({ error }) => sentenceOf(error)))].join('; '),
        fix: 'open everything: kubectl calico-fw open; then go on with: kubectl calico-fw rollback',
        cause: outcome.reason.error,
      })
    case 'left':
      return leftError(outcome, words)
  }
}

const leftError = ({ reason, opensAt, kept }: Extract<Outcome, { kind: 'left' }>, { whole, command }: LapseWords): FwError => {
  const onTrial = opensAt !== undefined
  // Somebody chose that: it is the answer, and no error.
  if (onTrial && reason.kind === 'interrupted')
    return new FwError('FW_INTERRUPTED', 'The change stays on trial, as you chose.', {
      fix: `keep it: kubectl calico-fw confirm; ${command}`,
      isAnswer: true,
    })
  const rest = kept ? 'it is kept, and its last checks were not made' : 'nothing is closed that was open before'
  const fate = onTrial ? `it stays on trial, and ${whole}` : rest
  return new FwError(reason.kind === 'lock-lost' ? 'FW_LOCK_LOST' : 'FW_INTERRUPTED', `${reason.text}: ${fate}`, {
    fix: onTrial ? `keep it: kubectl calico-fw confirm; ${command}` : 'see where it stands: kubectl calico-fw status',
  })
}

/** The last line of a change that is kept. */
export const keptText = (change: number, theme: Theme): string =>
  `\n${theme.good('Done.')} Change ${change} is kept. ${theme.strong('Undo it: kubectl calico-fw rollback')}`

const because = ({ text, error }: Reason): string => (error === undefined ? text : `${text}: ${sentenceOf(error)}`)

const fixOf = ({ error }: Reason): string =>
  (error instanceof FwError ? error.fix : undefined) ?? 'see to what the reason names, then run the command again'
