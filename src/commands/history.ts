import * as v from 'valibot'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { changesOf } from '../rollout/changes.ts'
import type { Checkpoint } from '../rollout/checkpoint.ts'
import { readCheckpoints } from '../rollout/perform/checkpoint-store.ts'
import { byChange, changeText, effectsOf, historyText, type Told } from '../ui/history-text.ts'
import type { CommandContext } from './context.ts'

/** What a file of the journal must hold to be told of; more may be in it. */
const stored = v.looseObject({
  ...{ number: v.string(), title: v.string(), at: v.string(), by: v.string(), command: v.string() },
  undoes: v.optional(v.array(v.number())),
  images: v.array(v.looseObject({ ref: v.looseObject({ apiVersion: v.string(), kind: v.string(), name: v.string() }) })),
})
const ended = v.looseObject({ change: v.number(), outcome: v.string(), at: v.string() })

/** Every change this tool made to the cluster: by whom, when, why, what it touched, and how it ended. With a number: that one, step by step. */
export const run = async ({ cluster, printer, journal }: CommandContext, only?: number): Promise<ExitCode> => {
  const [{ checkpoints, damaged }, home] = await Promise.all([
    readCheckpoints(cluster.api),
    cluster.api.get({ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' }),
  ])
  // The name under which this machine keeps a cluster's files; where it is not shown, the cluster's own checkpoints must do.
  const uid = home?.metadata.uid ?? 'unknown'
  const [onDisk, history] = await Promise.all([journal.readCheckpoints(uid), journal.readHistory(uid)])
  for (const problem of [...damaged, ...onDisk.problems, ...history.problems]) printer.talk(`note: ${problem.message}`)
  const local = onDisk.entries.flatMap(({ document }) => (v.is(stored, document) ? [document as unknown as Checkpoint] : []))
  const ends = history.entries.flatMap((entry) => (v.is(ended, entry) ? [entry] : []))
  const told = tell(checkpoints, local, ends)
  if (only === undefined) {
    printer.data(historyText(told))
    printer.document('History', { changes: told.map(fieldsOf) })
    return exitCodes.ok
  }
  const change = told.find(({ number }) => number === only)
  if (change === undefined) throw new FwError('FW_NOT_FOUND', `there is no change ${only}`, { fix: 'see which there are: kubectl calico-fw history' })
  printer.data(changeText(change))
  printer.document('Change', fieldsOf(change))
  return exitCodes.ok
}

type Ended = v.InferOutput<typeof ended>

const tell = (inCluster: readonly Checkpoint[], local: readonly Checkpoint[], ends: readonly Ended[]): Told[] => {
  const known = new Set(changesOf(inCluster).map(({ number }) => number))
  const from = (checkpoints: readonly Checkpoint[], where: Told['where']): Told[] => {
    const steps = byChange(checkpoints)
    return changesOf(checkpoints).map((change) => {
      // Numbers begin anew after `rollback --to 0`: an end from before the change belongs to an earlier life.
      const outcome = change.end?.outcome ?? ends.findLast((one) => one.change === change.number && one.at >= change.at)?.outcome
      return { ...change, where, outcome, steps: steps.get(change.number) ?? [] }
    })
  }
  const away = from(local, 'this machine').filter(({ number }) => !known.has(number))
  return [...away, ...from(inCluster, 'cluster')].sort((one, other) => one.number - other.number)
}

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
