import { formatRef } from '../calico/object.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { listed } from '../firewall/plan/differences.ts'
import { durationSeconds as lockSeconds } from '../rollout/perform/lock.ts'
import { limitsUnkept, type Situation } from '../rollout/situation.ts'
import { begun, lapseWords } from '../ui/lapse-words.ts'
import { strayReasons } from '../ui/status-text.ts'
import { run as confirm } from './confirm.ts'
import type { CommandContext } from './context.ts'
import { lapseOf } from './lapse-of.ts'
import { run as rollBack } from './rollback.ts'

/**
 * Refuses a new change while an earlier one is unfinished.
 * @throws FwError FW_BUSY, FW_GATE
 */
export const refuseUnfinished = (situation: Situation): void => {
  const { gates, unfinished, strays, changes, committed } = situation
  const armed = gates.find((gate) => gate.armed)
  const lapse = lapseWords(lapseOf(situation))
  if (armed !== undefined) {
    throw new FwError('FW_BUSY', `change ${armed.change} is on trial`, {
      why: `${lapse.whole} unless it is kept`,
      fix: `keep it: kubectl calico-fw confirm; ${lapse.command}`,
    })
  }
  if (unfinished.length > 0) {
    throw new FwError('FW_GATE', `change ${unfinished.join(' and ')} is not kept`, {
      why: 'what it closed opened by itself; its HostEndpoints are still there, and a new trial would close all of them at once',
      fix: 'take it back: kubectl calico-fw rollback, then run this again; at a terminal init offers both',
    })
  }
  // Beside a firewall in force they are told by status; before the first one they would be taken for what was there before this tool.
  if (strays.length > 0 && changes.length === 0 && committed.length === 0) {
    throw new FwError('FW_GATE', `no checkpoint knows ${listed(strays.map(formatRef))}, and this tool wrote it`, {
      why: strayReasons,
      fix: 'take it away: kubectl calico-fw rollback --to 0, then run this again',
    })
  }
}

/**
 * Asks what becomes of a change that is on trial or not kept, and sees to it. Tells whether to go on with a new one, or how the command ends.
 * @throws FwError as {@link refuseUnfinished}, where nobody can be asked or the other client is at work
 */
export const settleUnfinished = async (
  command: CommandContext,
  situation: Situation,
  options: { readonly windowSeconds: number; readonly yes: boolean; readonly takeOver: boolean },
): Promise<'nothing' | 'cleaned' | ExitCode> => {
  const { ui, context, printer } = command
  const armed = situation.gates.find((gate) => gate.armed)
  const unfinished = armed?.change ?? situation.unfinished.at(-1)
  if (unfinished === undefined) {
    refuseUnfinished(situation)
    return 'nothing'
  }
  const silentMs = situation.lock === undefined ? Number.POSITIVE_INFINITY : context.clock.wall().getTime() - situation.lock.renewedAt.getTime()
  if (!ui.interactive || options.yes || silentMs < lockSeconds * 1000) {
    refuseUnfinished(situation)
    return 'nothing'
  }
  const { at = '', by = 'nobody knows who' } = situation.changes.find(({ number }) => number === unfinished) ?? {}
  const unkept = limitsUnkept(situation) ? 'What its nodes send is limited still.' : 'Nothing it wrote closes anything.'
  const fate = armed === undefined ? unkept : `${begun(lapseWords(lapseOf(situation)).whole)} unless it is kept.`
  const choice = await ui.select<'keep' | 'clean' | 'only' | 'leave'>({
    message: `Change ${unfinished} is ${armed === undefined ? 'not kept' : 'on trial'}. What now?`,
    why: `${by} began it at ${at}. ${fate}`,
    flag: 'kubectl calico-fw rollback',
    default: 'clean',
    choices: [
      { value: 'clean', name: 'take it back, then go on with this one' },
      { value: 'only', name: 'only take it back' },
      ...(armed === undefined ? [] : ([{ value: 'keep', name: 'keep it, after the same probes' }] as const)),
      { value: 'leave', name: 'leave it as it is' },
    ],
  })
  switch (choice) {
    case 'keep':
      return confirm(command, options)
    case 'leave':
      printer.talk('Nothing was written.')
      return exitCodes.ok
    default: {
      const code = await rollBack(command, { yes: true, windowSeconds: options.windowSeconds })
      return choice === 'clean' && code === exitCodes.ok ? 'cleaned' : code
    }
  }
}
