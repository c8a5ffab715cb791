import type { FailsafePort, Rule } from '../../calico/shapes.ts'
import { type Cidr, covers } from '../../net/cidr.ts'
import type { AllowEntry } from '../file/host-firewall.ts'
import { entryRules } from '../objects/allow-policy.ts'
import { opens } from './failsafe-change.ts'
import { narrows } from './narrowing.ts'
import type { Difference } from './plan.ts'

/** What was open before a change. */
export interface OpenBefore {
  /** Whether a firewall is in force: without one everything is open. */
  readonly standing: boolean
  /** What its allow entries let in. */
  readonly allowedBefore: readonly Rule[]
  readonly trustedBefore: readonly Cidr[]
  /** Inbound failsafes after the change, and those that are new in it. */
  readonly failsafes: readonly FailsafePort[]
  readonly newFailsafes: readonly FailsafePort[]
}

/** Trusted networks that a firewall in force did not trust. */
export const newlyTrusted = (trusted: readonly Cidr[], { standing, trustedBefore }: Pick<OpenBefore, 'standing' | 'trustedBefore'>): Cidr[] =>
  standing ? trusted.filter((net) => !trustedBefore.some((old) => covers(old, net))) : []

/** Newly trusted networks as openings, with the danger of each. */
export const trustBeginning = (trusted: readonly Cidr[], before: Pick<OpenBefore, 'standing' | 'trustedBefore'>): Difference[] =>
  newlyTrusted(trusted, before).map((net) => ({
    change: 'opens',
    what: 'every port of every node and every address',
    forWhom: net,
    because: 'it becomes a trusted network. Danger: everyone in it reaches every port',
  }))

/** Networks that a firewall in force trusts, and will no longer, or not whole. */
export const trustEnding = (trusted: readonly Cidr[], { standing, trustedBefore }: Pick<OpenBefore, 'standing' | 'trustedBefore'>): Difference[] =>
  (standing ? trustedBefore.filter((net) => !trusted.some((now) => covers(now, net))) : []).map((net) => ({
    change: 'closes',
    what: 'what is not named below',
    forWhom: net,
    because: 'it is no trusted network any more, or not all of it',
  }))

/** Whether all that an entry lets in was let in before: by entries of whatever name, or by failsafes. */
export const isOpenBefore = (entry: AllowEntry, { standing, allowedBefore, failsafes, newFailsafes }: OpenBefore): boolean => {
  if (!standing || !narrows(entryRules(entry), allowedBefore)) return true
  const old = failsafes.filter((port) => !newFailsafes.includes(port))
  return entry.traffic.every(
    ({ protocol, ports }) =>
      typeof protocol === 'string' && ports.length > 0 && ports.every(({ first, last }) => first === last && opens(old, { protocol, port: first })),
  )
}
