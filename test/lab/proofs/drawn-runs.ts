import type { Lab } from '../lab.ts'
import { pause } from '../machine/run.ts'
import { runTool, startTool, tail } from '../tool.ts'
import { type Fault, faultMenu } from './fault-menu.ts'
import { initHome } from './home-init.ts'
import { rollBack } from './undone.ts'

/** A command that is hit, and what stands before it. */
interface HitCommand {
  readonly name: string
  /** How often among a hundred. */
  readonly share: number
  readonly args: readonly string[]
  /** Writes of one undisturbed run, about; a moment after the last one hits nobody, and that is a run too. */
  readonly writes: number
  /** What it may leave closed opens by itself within this. */
  readonly windowSeconds: number
  /** Whether everything is closed when it begins. */
  readonly onClosed: boolean
  before(lab: Lab): Promise<unknown>
}

const windowSeconds = 20
/** `confirm` has no flag for it. */
const confirmWindowSeconds = 90
/** A client that was silent for so long may be taken over. */
const silenceMs = 20_000

const initWith = (seconds: number): string[] => ['init', '-f', 'examples/home.yaml', '--yes', '--window', `${seconds}s`]

/** What comes before the run is not what is asked; on a machine that stalls for a second `init` turns round, and is begun again. */
const again = async <T>(lab: Lab, attempt: () => Promise<T>, times = 4): Promise<T> => {
  try {
    return await attempt()
  } catch (error) {
    if (times === 1) throw error
    await rollBack(lab)
    return again(lab, attempt, times - 1)
  }
}

const keep = (lab: Lab): Promise<unknown> => again(lab, () => initHome(lab, '--window', `${windowSeconds}s`))

/** Everything closed, nothing committed, and the client dead for long enough. */
const leaveOnTrial = async (lab: Lab): Promise<void> => {
  const run = startTool(lab, initWith(confirmWindowSeconds))
  await run.seen('before the commit')
  run.signal('SIGKILL')
  const { ended } = await run.ended
  await pause(ended + silenceMs + 1_000 - Date.now())
  const { code, lines } = await runTool(lab, ['status'])
  if (code !== 1) throw new Error(`status exits ${code} while a change is on trial:\n${tail(lines)}`)
}

const commands: readonly HitCommand[] = [
  { name: 'init', share: 74, args: initWith(windowSeconds), writes: 46, windowSeconds, onClosed: false, before: async () => undefined },
  { name: 'rollback to 0', share: 14, args: ['rollback', '--to', '0', '--yes'], writes: 22, windowSeconds, onClosed: true, before: keep },
  {
    ...{ name: 'add-vip', share: 8, writes: 9, windowSeconds, onClosed: true, before: keep },
    args: ['add-vip', '192.168.218.174', '--port', '31999/tcp', '--from', '192.168.218.53/32', '--yes'],
  },
  {
    ...{
      name: 'confirm of a trial left alone',
      share: 4,
      writes: 9,
      windowSeconds: confirmWindowSeconds,
      onClosed: true,
      before: (lab) => again(lab, () => leaveOnTrial(lab)),
    },
    args: ['confirm', '--yes', '--take-over'],
  },
]

/** One run, as the seed has it. */
export interface Drawn {
  readonly command: HitCommand
  readonly fault: Fault
  /** Strikes when the API server has answered this many writes of the product. */
  readonly after: number
  /** And so many milliseconds more: into a wait, a probe, a question to the cluster. */
  readonly delayMs: number
}

const byShare = <T extends { readonly share: number }>(some: readonly T[], drawn: number): T => {
  const shares = some.flatMap((one) => Array<T>(one.share).fill(one))
  const found = shares[Math.floor(drawn * shares.length)]
  if (found === undefined) throw new Error('nothing to draw from')
  return found
}

/** Draws the next run. */
export const draw = (next: () => number, flavour: Lab['variant']['flavour']): Drawn => {
  const menu = faultMenu.filter(({ only = flavour }) => only === flavour)
  const [fault, command] = [byShare(menu, next()), byShare(commands, next())]
  return { command, fault, after: 1 + Math.floor(next() * command.writes), delayMs: Math.max(0, Math.round(next() * 8_000) - 4_000) }
}
