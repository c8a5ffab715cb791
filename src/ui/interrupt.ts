import { FwError } from '../errors.ts'
import type { LapseWords } from './lapse-words.ts'
import type { Prompter } from './prompter.ts'

/** What the operator wants after Ctrl-C. */
export type InterruptChoice = 'open' | 'leave' | 'go-on'

/** Asks what Ctrl-C meant; a second Ctrl-C, and nobody to ask, mean opening. `opensInS` is undefined while nothing is armed, and once it is kept. */
export const askInterrupt = async (
  ui: Prompter,
  { opensInS, kept }: { readonly opensInS: number | undefined; readonly kept: boolean },
  words: LapseWords,
  signal?: AbortSignal,
): Promise<InterruptChoice> => {
  if (!ui.interactive) return 'open'
  const armed = opensInS !== undefined
  try {
    return await ui.select<InterruptChoice>(
      {
        message: 'Interrupted. What now?',
        flag: 'a second Ctrl-C, which opens',
        default: 'open',
        choices: [
          armed
            ? { value: 'open', name: words.now }
            : { value: 'open', name: kept ? 'open, and undo everything: it is kept already' : 'stop and undo everything (nothing is closed yet)' },
          ...(armed ? ([{ value: 'leave', name: `leave it on trial: ${words.brief} in ${opensInS} s` }] as const) : []),
          { value: 'go-on', name: 'go on' },
        ],
      },
      signal === undefined ? {} : { signal },
    )
  } catch (error) {
    if (error instanceof FwError && error.code === 'FW_INTERRUPTED') return 'open'
    throw error
  }
}
