import type { FailsafePort, Rule } from '../calico/shapes.ts'
import { type Cidr, covers } from '../net/cidr.ts'
import { entryRules } from './allow-policy.ts'
import { opens } from './failsafe-change.ts'
import type { AllowEntry } from './host-firewall.ts'
import { narrows } from './narrowing.ts'

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

/** Whether all that an entry lets in was let in before: by entries of whatever name, or by failsafes. */
export const isOpenBefore = (entry: AllowEntry, { standing, allowedBefore, failsafes, newFailsafes }: OpenBefore): boolean => {
  if (!standing || !narrows(entryRules(entry), allowedBefore)) return true
  const old = failsafes.filter((port) => !newFailsafes.includes(port))
  return entry.traffic.every(
    ({ protocol, ports }) =>
      typeof protocol === 'string' && ports.length > 0 && ports.every(({ first, last }) => first === last && opens(old, { protocol, port: first })),
  )
}
