import type { Step } from '../rollout/steps.ts'

/** Steps that belong together in the eyes of whoever watches. */
export interface Stage {
  readonly title: string
  /** Index of its first step in the run. */
  readonly first: number
  /** Nodes close in it. */
  readonly isBatch?: true
}

/**
 * Cuts a run into the stages people read: a checkpoint begins whatever the steps after it do, a batch begins where foreign policies are looked for.
 */
export const stagesOf = (steps: readonly Step[]): Stage[] => {
  const stages: Stage[] = []
  let opened = false
  for (const [index, step] of steps.entries()) {
    const title = beginning(steps, index, opened)
    opened = step.kind === 'recheck'
    if (title !== undefined && title !== stages.at(-1)?.title)
      stages.push({ title, first: index, ...(step.kind === 'recheck' && title !== preparing ? { isBatch: true } : {}) })
    else if (stages.length === 0) stages.push({ title: 'Prepare', first: index })
  }
  return stages
}

/**
 * At most `most` stages, for a list longer than the screen hides what is at work: batches in the middle become one, so that the first ones and the last,
 * the node of our own path among them, still have lines of their own. Never fewer than three lines of batches.
 */
export const folded = (stages: readonly Stage[], most: number): Stage[] => {
  const batches = stages.filter(({ isBatch }) => isBatch)
  const room = Math.max(3, most - (stages.length - batches.length))
  if (batches.length <= room) return [...stages]
  const head = Math.ceil((room - 1) / 2)
  const middle = batches.slice(head, batches.length - (room - 1 - head))
  const [first] = middle
  return stages.flatMap((stage) => {
    if (stage === first) return [{ ...stage, title: `Close ${middle.length} more batches, one after the other` }]
    return middle.includes(stage) ? [] : [stage]
  })
}

/** The stage a step stands in. */
export const stageAt = (stages: readonly Stage[], at: number): number => stages.findLastIndex(({ first }) => first <= at)

/** Before a rollback closes again what it had to open. */
const preparing = 'Prepare to close again'

const isAmong = (steps: readonly Step[], kind: Step['kind']): boolean => steps.some((step) => step.kind === kind)

const closesNext = (ahead: readonly Step[]): boolean => {
  const write = ahead.find(({ kind }) => kind === 'write')
  return write?.kind === 'write' && write.closes.length > 0
}

/** The title of the stage this step begins; undefined where it goes on with the one before. */
const beginning = (steps: readonly Step[], index: number, opened: boolean): string | undefined => {
  const step = steps[index]
  switch (step?.kind) {
    case 'lock':
      return 'Prepare'
    case 'recheck':
      return closesNext(steps.slice(index + 1)) ? titleOf(steps.slice(index + 1)) : preparing
    case 'checkpoint':
      if (step.title === 'before tidying up') return 'Delete what falls away'
      return opened ? undefined : titleOf(steps.slice(index + 1))
    case 'remove':
      return step.closes.length === 0 ? undefined : 'Close again, on trial'
    case 'arm':
    case 'ask':
      return titleOf(steps.slice(index))
    case 'open':
      return 'Open everything'
    case 'restore':
      return isAmong(steps.slice(0, index), 'commit') ? 'Write what stays' : 'Put everything back'
    case 'verify':
      return isAmong(steps.slice(index), 'arm') ? undefined : 'Verify and clean up'
    case 'remove-namespace':
      return 'Verify and clean up'
    default:
      return undefined
  }
}

/** What the steps up to the next checkpoint do, in words. */
const titleOf = (ahead: readonly Step[]): string | undefined => {
  const end = ahead.findIndex(({ kind }, index) => kind === 'checkpoint' && index > 0)
  const own = end < 0 ? ahead : ahead.slice(0, end)
  const writes = own.filter(({ kind }) => kind === 'write')
  for (const step of own) {
    switch (step.kind) {
      case 'failsafes':
        return step.title.startsWith('narrow') ? 'Narrow the failsafe ports, on trial' : 'Extend the failsafe ports'
      case 'arm':
        return step.title === 'arm the gate' ? 'Arm the gate: from here on what closes opens by itself' : 'Take the openings back, on trial'
      case 'write':
        return step.closes.length === 0 && writes.length > 1 ? 'Write sets and policies' : capitalised(step.title)
      case 'ask':
      case 'commit':
        return 'Keep it'
      case 'open':
      case 'restore':
        return undefined
      default:
        break
    }
  }
  return undefined
}

/** The stages of an undo, whose steps are decided only when it begins. */
export const undoStages = ['Open everything', 'Put everything back', 'Verify and clean up'] as const

/** Index in {@link undoStages} of the stage an undo's step stands in. */
export const undoStageOf = ({ kind }: Step): number => {
  if (kind === 'open' || kind === 'see-open') return 0
  return kind === 'restore' || kind === 'settle' ? 1 : 2
}

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
