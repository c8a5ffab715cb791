import { chainOf } from '../chain.ts'
import { changesOf } from '../changes.ts'
import type { End } from '../checkpoint.ts'
import { foldings } from '../folding.ts'
import type { Reason, RunState } from '../state.ts'
import { deleteCheckpoints, markEnd, readCheckpoints, writeCheckpoint } from './checkpoint-store.ts'
import type { PerformContext } from './context.ts'

/**
 * Writes down how the change ended, so that `status` and `history` know it on any machine, and after a good end prunes old checkpoints. What is left
 * armed, or to another writer, has not ended, and neither has another's trial that was only opened: a rollback takes it back. Nothing hangs on it: a run that got this far has done what it was asked for.
 */
export const tellEnd = async (context: PerformContext, state: RunState): Promise<void> => {
  const { api, clock, report } = context.ports
  if (state.images.length === 0 || state.outcome?.kind === 'left') return
  if (state.ofAnother && state.mode === 'undo') return
  const end: End = {
    outcome: outcomeOf(state),
    at: clock.wall().toISOString(),
    green: context.memory.green ?? 0,
    ...(state.reason === undefined ? {} : { why: inWords(state.reason) }),
  }
  try {
    await context.lock.guard()
    await markEnd(api, state.config.change, end)
    if (end.outcome === 'done') await prune(context)
  } catch (error) {
    report({ kind: 'note', text: `how change ${state.config.change} ended is not written down: ${error instanceof Error ? error.message : error}` })
  }
}

/** Short enough for an annotation beside whatever else is there. */
const inWords = ({ text, error }: Reason): string => (error instanceof Error ? `${text}: ${error.message}` : text).slice(0, 1000)

const outcomeOf = ({ mode, remaining }: RunState): End['outcome'] => {
  if (remaining.length > 0) return 'incomplete'
  return mode === 'forward' ? 'done' : 'rolled-back'
}

/** First the one that stands for them, then they go: a crash in between leaves both, and both say the same. */
const prune = async ({ ports: { api }, lock }: PerformContext): Promise<void> => {
  const { checkpoints, damaged } = await readCheckpoints(api)
  // What cannot be read cannot be folded, and a gap must stay where it shows.
  if (damaged.length > 0 || chainOf(checkpoints).breaks.length > 0) return
  for (const { into, of } of foldings(checkpoints, changesOf(checkpoints))) {
    await lock.guard()
    if (!checkpoints.some(({ number }) => number === into.number)) await writeCheckpoint(api, into)
    await deleteCheckpoints(
      api,
      of.map(({ number }) => number),
      lock.guard,
    )
  }
}
