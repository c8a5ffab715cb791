import { formatRef } from '../calico/object.ts'
import type { Chain } from '../rollout/chain.ts'
import type { Change } from '../rollout/changes.ts'
import { type Checkpoint, parseNumber } from '../rollout/checkpoint.ts'
import { table } from './table.ts'

/** A change, where its checkpoints are, and how it ended as far as the cluster or this machine knows; no steps where they were pruned. */
export interface Told extends Change {
  readonly where: 'cluster' | 'this machine'
  readonly outcome: string | undefined
  readonly steps: readonly Checkpoint[]
}

const chainInWords = ({ head, unchained }: Chain): string =>
  `The checkpoints are one unbroken chain, which ends in ${head}.${unchained.length === 0 ? '' : ` Those up to ${unchained.at(-1)} are from a version without it.`}`

/** All changes, the newest last, a line each; what is said of their chain where it is whole. */
export const historyText = (changes: readonly Told[], chain: Chain | undefined): string => {
  if (changes.length === 0) return 'No change of this tool is known.'
  const rows = changes.map((change) => [`${change.number}`, change.at, change.by, endOf(change), `${change.steps.length}`, change.command])
  const away = changes.filter(({ where }) => where !== 'cluster').map(({ number }) => number)
  return [
    table(['change', 'at', 'by', 'ended', 'steps', 'command'], rows),
    '',
    ...(away.length === 0 ? [] : [`Known on this machine alone, for the cluster keeps nothing of it any more: ${away.join(', ')}.`]),
    ...(chain?.head === undefined ? [] : [chainInWords(chain)]),
    'what one of them did:   kubectl calico-fw history CHANGE',
    'all that is kept of it: kubectl calico-fw history CHANGE --bundle',
    ...(away.length === changes.length ? [] : ['go back to one:         kubectl calico-fw rollback --to CHANGE']),
  ].join('\n')
}

/** What one change did, step by step. */
export const changeText = (change: Told): string => {
  const { number, at, by, command, steps } = change
  const words =
    steps.length === 0
      ? ['Its steps were pruned.']
      : steps.flatMap((step) => [`${step.number}  ${step.title}`, ...effectsOf(step).map((line) => `     ${line}`)])
  return [`Change ${number}, ${at}, by ${by}: ${endOf(change)}`, `  ${command}`, '', ...words].join('\n')
}

/** What a step touched: its checkpoint has what was there before, or that there was nothing. */
export const effectsOf = ({ images }: Checkpoint): string[] =>
  images.map(({ ref, before }) => `${before === null ? 'created or about to be' : 'changed or deleted'}: ${formatRef(ref)}`)

/** How a run ended, as people say it; in documents it stands as it was written. */
const endings: Readonly<Record<string, string>> = {
  'rolled-back': 'taken back',
  incomplete: 'not wholly taken back',
  left: 'left on trial',
}

const endOf = ({ undoes, undoneBy, outcome, end }: Told): string => {
  const first = undoes.length === 0 ? [] : [`takes back ${undoes.join(', ')}`]
  const last = undoneBy === undefined ? [] : [`taken back by ${undoneBy}`]
  const probes = end === undefined ? [] : [`${end.green} probes green`]
  return [...first, outcome === undefined ? 'not finished' : (endings[outcome] ?? outcome), ...probes, ...last].join(', ')
}

/** Checkpoints of each change, in their order. */
export const byChange = (checkpoints: readonly Checkpoint[]): ReadonlyMap<number, Checkpoint[]> => {
  const changes = new Map<number, Checkpoint[]>()
  for (const checkpoint of checkpoints) {
    const { change } = parseNumber(checkpoint.number)
    changes.set(change, [...(changes.get(change) ?? []), checkpoint])
  }
  return changes
}
