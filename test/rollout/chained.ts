import { linkOf } from '../../src/rollout/chain.ts'
import { type Checkpoint, checkpointVersion } from '../../src/rollout/checkpoint.ts'

/** A chain of checkpoints with these numbers, the first `unchained` of a version without it; each touches the object `x`, which counts up. */
export const chained = (numbers: readonly string[], unchained = 1, at = '2026-01-02T03:04:05Z'): Checkpoint[] => {
  const written: Checkpoint[] = []
  for (const [index, number] of numbers.entries()) {
    const last = written.at(-1)
    const x = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'x' }, value: index }
    written.push({
      ...{ apiVersion: checkpointVersion, kind: 'Checkpoint', number, title: 'a step', at, by: 'a@b/1', command: 'init' },
      images: [{ ref: { apiVersion: 'v1', kind: 'Thing', name: 'x' }, before: index === 0 ? null : x }],
      ...(last === undefined || index < unchained ? {} : { previous: linkOf(last) }),
    })
  }
  return written
}
