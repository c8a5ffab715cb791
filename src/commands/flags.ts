import { FwError } from '../errors.ts'
import { type UnseenKind, unseenKinds } from '../firewall/facts/facts.ts'
import { closest } from '../firewall/file/did-you-mean.ts'
import type { OutputFormat } from './context.ts'

interface TimeLimits {
  readonly least: number
  readonly most: number
}

/** Shortest and longest window, in seconds: a shorter one ends before one batch is probed, a longer one is no safety. */
const windowLimits: TimeLimits = { least: 20, most: 600 }
/** How long a node may be held open by `rescue`, in seconds. */
const rescueLimits: TimeLimits = { least: 10, most: 86_400 }

/** A length of time as `90s`, `2m` or plain seconds. */
const parseTime = (flag: string, text: string, { least, most }: TimeLimits): number => {
  const match = /^(\d{1,5})(s|m)?$/.exec(text)
  const seconds = Number(match?.[1]) * (match?.[2] === 'm' ? 60 : 1)
  if (match === null || seconds < least || seconds > most) {
    throw new FwError(
      'FW_USAGE',
      `${flag} "${text}" is not a length of time between ${least} s and ${most % 3_600 === 0 ? `${most / 3_600} hours` : `${most / 60} minutes`}`,
      {
        fix: `write seconds or minutes: ${flag} 90s, ${flag} 2m`,
      },
    )
  }
  return seconds
}

/**
 * `--window`, in seconds.
 * @throws FwError FW_USAGE
 */
export const parseWindow = (text: string): number => parseTime('--window', text, windowLimits)

/**
 * `--for`, in seconds.
 * @throws FwError FW_USAGE
 */
export const parseRescueTime = (text: string): number => parseTime('--for', text, rescueLimits)

/** Shorter sees nothing; longer is a job for a monitor. */
const auditLimits = { least: 1, most: 86_400 }

/**
 * `audit --for`, in seconds.
 * @throws FwError FW_USAGE
 */
export const parseAuditTime = (text: string): number => parseTime('--for', text, auditLimits)

/**
 * The number of a change, 0 for before the first.
 * @throws FwError FW_USAGE
 */
export const parseChange = (text: string, flag = '--to'): number => {
  if (!/^\d{1,9}$/.test(text))
    throw new FwError('FW_USAGE', `${flag} "${text}" is not the number of a change`, { fix: 'see them: kubectl calico-fw history' })
  return Number(text)
}

/** What `history` is asked for. */
export interface HistoryOptions {
  readonly change?: number
  /** Print everything that is kept of that change. */
  readonly bundle: boolean
  /** In the bundle, hide addresses and who made the change. */
  readonly redact: boolean
}

/**
 * `history`'s argument and flags: a bundle is of one change, and only a bundle is redacted.
 * @throws FwError FW_USAGE
 */
export const parseHistory = (
  change: string | undefined,
  { bundle, redact }: { readonly bundle?: boolean; readonly redact?: boolean },
): HistoryOptions => {
  const flags = { bundle: bundle === true, redact: redact === true }
  if (flags.redact && !flags.bundle)
    throw new FwError('FW_USAGE', '--redact is for a bundle', { fix: 'kubectl calico-fw history CHANGE --bundle --redact' })
  if (change !== undefined) return { ...flags, change: parseChange(change, 'CHANGE') }
  if (flags.bundle) throw new FwError('FW_USAGE', '--bundle is of one change', { fix: 'name it: kubectl calico-fw history CHANGE --bundle' })
  return flags
}

/**
 * `-o`: json or yaml; text without it.
 * @throws FwError FW_USAGE
 */
export const parseOutput = (text: string | undefined): OutputFormat => {
  if (text === undefined) return 'text'
  if (text === 'json' || text === 'yaml') return text
  throw new FwError('FW_USAGE', `-o "${text}" is not an output format`, { fix: 'write -o json or -o yaml' })
}

/**
 * `-v`, as in kubectl.
 * @throws FwError FW_USAGE
 */
export const parseVerbosity = (text: string | undefined): number => {
  if (text === undefined || /^\d{1,3}$/.test(text)) return Number(text ?? 0)
  throw new FwError('FW_USAGE', `-v "${text}" is not a number`, { fix: 'write -v 6 to see every request' })
}

/** What `--dry-run` may be. */
export type DryRun = 'none' | 'client' | 'server'

/**
 * `--dry-run`; without a value, `client`, as in kubectl's older days.
 * @throws FwError FW_USAGE
 */
export const parseDryRun = (text: string | boolean | undefined): DryRun => {
  if (text === undefined || text === 'none') return 'none'
  if (text === true || text === 'client') return 'client'
  if (text === 'server') return 'server'
  throw new FwError('FW_USAGE', `--dry-run "${text}" is not known`, { fix: 'write --dry-run=none, client or server' })
}

/**
 * `--accept-unseen`: kinds of what could not be looked at.
 * @throws FwError FW_USAGE
 */
export const parseUnseen = (texts: readonly string[] = []): UnseenKind[] =>
  texts
    .flatMap((text) => text.split(','))
    .map((text) => {
      const kind = unseenKinds.find((known) => known === text)
      if (kind !== undefined) return kind
      const meant = closest(text, unseenKinds)
      throw new FwError('FW_USAGE', `--accept-unseen "${text}" names nothing that could stay unseen`, {
        why: `there are ${unseenKinds.join(', ')}`,
        fix: meant === undefined ? 'see what is unseen here: kubectl calico-fw doctor' : `did you mean ${meant}?`,
      })
    })
