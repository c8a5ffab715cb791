import * as v from 'valibot'
import type { ObjectRef } from '../calico/object.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type Chain, chainOf, hashOf } from '../rollout/chain.ts'
import { changeBundle, touchedBy } from '../rollout/change-bundle.ts'
import { changesOf } from '../rollout/changes.ts'
import { type BeforeImage, type Checkpoint, compareNumbers } from '../rollout/checkpoint.ts'
import { lackingIn } from '../rollout/mend.ts'
import { capture } from '../rollout/perform/checkpoint.ts'
import { readCheckpoints } from '../rollout/perform/checkpoint-store.ts'
import { byChange, changeText, effectsOf, historyText, type Told } from '../ui/history-text.ts'
import type { CommandContext } from './context.ts'
import type { HistoryOptions } from './flags.ts'
import { ownCopies } from './own-copies.ts'
import { documentVersion, serialised } from './printer.ts'
import { redact } from './redact.ts'

/** What a line of the journal's history must hold; more may be in it. */
const ended = v.looseObject({ change: v.number(), outcome: v.string(), at: v.string() })

/** Every change this tool made to the cluster: by whom, when, why, what it touched, and how it ended. With a number: that one, step by step, or all that is kept of it. */
export const run = async (command: CommandContext, options: HistoryOptions): Promise<ExitCode> => {
  const { cluster, printer, journal } = command
  const home = await cluster.api.get({ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' })
  // The name under which this machine keeps a cluster's files; where it is not shown, the cluster's own checkpoints must do.
  const uid = home?.metadata.uid ?? 'unknown'
  // The copies first: one that a run writes meanwhile must not look as if the cluster lacked it.
  const [{ copies, problems }, history] = await Promise.all([ownCopies(journal, uid), journal.readHistory(uid)])
  const { checkpoints, damaged } = await readCheckpoints(cluster.api)
  for (const problem of [...damaged.map(({ error }) => error), ...problems, ...history.problems]) printer.talk(`note: ${problem.message}`)
  const ends = history.entries.flatMap((entry) => (v.is(ended, entry) ? [entry] : []))
  const told = tell(checkpoints, copies, ends)
  const chain = chainOf(checkpoints)
  const altered = alteredAmong(checkpoints, copies)
  // Where the cluster has none at all they went with `rollback --to 0`, and the copies are from an earlier life.
  const last = checkpoints.at(-1)?.number
  const gone = last === undefined ? [] : lackingIn(checkpoints, copies, ({ number }) => compareNumbers(number, last) > 0).map(({ number }) => number)
  const doubted = doubts(chain, altered, gone)
  const whole = doubted.length === 0 && damaged.length === 0
  for (const line of doubted) printer.talk(`warning: ${line}`)
  const code = whole ? exitCodes.ok : exitCodes.failure
  if (options.change === undefined) {
    printer.data(historyText(told, whole ? chain : undefined))
    printer.document('History', { changes: told.map(fieldsOf), chain: { ...chain, altered, gone } })
    return code
  }
  const change = told.find(({ number }) => number === options.change)
  if (change === undefined)
    throw new FwError('FW_NOT_FOUND', `there is no change ${options.change}`, { fix: 'see which there are: kubectl calico-fw history' })
  if (options.bundle) await printBundle(command, change, change.where === 'cluster' ? checkpoints : copies, options)
  else {
    printer.data(changeText(change))
    printer.document('Change', fieldsOf(change))
  }
  return code
}

const printBundle = async (command: CommandContext, change: Told, checkpoints: readonly Checkpoint[], options: HistoryOptions): Promise<void> => {
  const { printer, context } = command
  const now = await todays(command, touchedBy(change.steps))
  const { steps, ...about } = change
  const bundle = {
    at: context.clock.wall().toISOString(),
    redacted: options.redact,
    change: about,
    ...changeBundle(change.number, steps, checkpoints, now),
  }
  const fields = (options.redact ? redact(bundle, [change.by, ...steps.map(({ by }) => by)]) : bundle) as typeof bundle
  if (steps.length === 0) printer.talk('note: its checkpoints were folded with others, and this machine has no copy: only how it ended is kept')
  if (printer.format === 'text') printer.data(serialised({ apiVersion: documentVersion, kind: 'ChangeBundle', ...fields }, 'yaml').trimEnd())
  else printer.document('ChangeBundle', fields)
}

/** The objects as they are now, without those of a kind nobody here may look at. */
const todays = async ({ cluster, printer }: CommandContext, refs: readonly ObjectRef[]): Promise<BeforeImage[]> => {
  const byKind = new Map<string, ObjectRef[]>()
  for (const ref of refs) byKind.set(ref.kind, [...(byKind.get(ref.kind) ?? []), ref])
  const seen = [...byKind.values()].map((some) =>
    // A namespace is got by its name, everything else is listed by whoever may read.
    capture(cluster.api, some, some[0]?.kind === 'Namespace' ? undefined : 1).catch((error: unknown) => {
      if (!(error instanceof FwError) || error.code !== 'FW_FORBIDDEN') throw error
      printer.talk(`note: ${error.message}; what these objects are now is not read`)
      return []
    }),
  )
  return (await Promise.all(seen)).flat()
}

type Ended = v.InferOutput<typeof ended>

const tell = (inCluster: readonly Checkpoint[], local: readonly Checkpoint[], ends: readonly Ended[]): Told[] => {
  const known = new Set(changesOf(inCluster).map(({ number }) => number))
  const onDisk = byChange(local)
  const from = (checkpoints: readonly Checkpoint[], where: Told['where']): Told[] => {
    const steps = byChange(checkpoints.filter(({ folds }) => folds === undefined))
    return changesOf(checkpoints).map((change) => {
      // Numbers begin anew after `rollback --to 0`: an end from before the change belongs to an earlier life.
      const outcome = change.end?.outcome ?? ends.findLast((one) => one.change === change.number && one.at >= change.at)?.outcome
      // What the cluster has folded away may still be on this machine.
      const kept = (onDisk.get(change.number) ?? []).filter(({ at, by }) => at >= change.at && by === change.by)
      return { ...change, where, outcome, steps: steps.get(change.number) ?? kept }
    })
  }
  const away = from(local, 'this machine').filter(({ number }) => !known.has(number))
  return [...away, ...from(inCluster, 'cluster')].sort((one, other) => one.number - other.number)
}

/** Checkpoints this machine wrote and that are other ones in the cluster now. One of the same number and another time belongs to an earlier life of the tool. */
const alteredAmong = (inCluster: readonly Checkpoint[], local: readonly Checkpoint[]): string[] => {
  const copies = new Map(local.map((copy) => [copy.number, copy]))
  return inCluster
    .filter((one) => {
      const copy = copies.get(one.number)
      return copy !== undefined && copy.at === one.at && hashOf(copy) !== hashOf(one)
    })
    .map(({ number }) => number)
    .sort(compareNumbers)
}

const doubts = ({ breaks }: Chain, altered: readonly string[], gone: readonly string[]): string[] => [
  ...breaks.map((number) => `before checkpoint ${number} another one stood than is there now: that one was changed, or one in between is gone`),
  ...altered.map((number) => `checkpoint ${number} is not what this machine wrote; its copy is in the clusters folder of this tool's state`),
  ...gone.map((number) => `checkpoint ${number}, of which this machine has a copy, is damaged in the cluster or gone from it`),
]

const fieldsOf = ({ steps, ...change }: Told) => ({
  ...change,
  steps: steps.map((step) => ({
    number: step.number,
    title: step.title,
    at: step.at,
    ...(step.accepted && { accepted: step.accepted }),
    touched: effectsOf(step),
  })),
})
