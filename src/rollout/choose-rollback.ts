import { isDeepStrictEqual } from 'node:util'
import { defaultFailsafes, failsafeFields } from '../calico/failsafes.ts'
import { names, plainlyNamed } from '../calico/names.ts'
import { formatRef, refOf } from '../calico/object.ts'
import type { FailsafePort } from '../calico/shapes.ts'
import { isOverAnother } from '../firewall/adoption/adoption.ts'
import { runOf } from '../firewall/facts/standing.ts'
import { committedRuns } from '../firewall/objects/deny-policy.ts'
import { opens } from '../firewall/plan/failsafe-change.ts'
import type { BeforeImage } from './checkpoint.ts'
import { type ClosedAgain, closedAgain, type Present } from './closed-again.ts'
import { gatedRollback } from './gated-rollback.ts'
import { clearing, closingRollback, isAllow, openingRollback, type Rollback, wideningRollback } from './rollback-steps.ts'
import type { RunConfig } from './state.ts'
import type { Step } from './steps.ts'
import { isAdopted } from './undo-steps.ts'

/**
 * How a rollback goes about it. `opens`: everything opens and stays open. `widens`: openings come back, and nothing else changes. `closes`: openings
 * go, on trial. `closes-again`: everything opens, and what the older firewall closes closes on trial.
 */
export interface ChosenRollback {
  readonly way: 'opens' | 'widens' | 'closes' | 'closes-again'
  readonly steps: readonly Step[]
  readonly config: RunConfig
  /** What is closed by a trial of its own. */
  readonly closed: ClosedAgain | undefined
}

/** What is there now, and what of it has to change. */
export interface Standing extends Present {
  readonly closedNodes: readonly string[]
  readonly opened: boolean
  /** The images that are not what the cluster has. */
  readonly differing: readonly BeforeImage[]
}

/** The least that leads there. `config` is every run's; the way decides the rest of it. */
export const chooseRollback = ({ change, to, images: all, config }: Rollback, found: Standing): ChosenRollback => {
  const standing = { ...found, policies: found.policies.map(plainlyNamed) }
  // What was taken over and not yet deleted is as it was, and needs no way back.
  const images = all.filter((image) => !isAdopted(image) || standing.differing.includes(image))
  if (to === 0) {
    const own = { ...config, opened: false, isRollback: true }
    const isAsBefore = standing.differing.length === 0 && !standing.opened
    const givesWay = images.some(isAdopted) ? undefined : triedOverAnother(standing)
    const steps = isAsBefore ? clearing : openingRollback({ change, to, images, config: own, givesWay })
    return { way: 'opens', steps, config: own, closed: undefined }
  }
  // Under the open set no single opening can be seen closed: everything closes again then.
  if (!standing.opened && onlyOpenings(standing)) {
    const own = { ...config, isRollback: false }
    const rollback = { change, to, images, config: own }
    return standing.differing.some(closes)
      ? { way: 'closes', steps: closingRollback(rollback, standing), config: own, closed: undefined }
      : { way: 'widens', steps: wideningRollback(rollback), config: own, closed: undefined }
  }
  const closed = closedAgain(images, standing, config)
  if (closed === undefined) {
    const own = { ...config, opened: false, isRollback: true }
    return { way: 'opens', steps: openingRollback({ change, to, images: images.map(unlimited), config: own }), config: own, closed }
  }
  const own = { ...config, isRollback: false, opensFirst: true } as const
  return { way: 'closes-again', steps: gatedRollback({ change, to, images, config: own }, closed), config: own, closed }
}

/** Where nothing is kept a list for what nodes send would close without a gate: it does not come back. */
const unlimited = (image: BeforeImage): BeforeImage => (image.ref.name === names.egressPolicy ? { ...image, before: null } : image)

/** The runs of HostEndpoints on trial over another's, where none of ours is kept; undefined without any. */
const triedOverAnother = ({ hostEndpoints, policies, opened }: Standing): number[] | undefined => {
  const over = hostEndpoints.filter(isOverAnother)
  if (over.length === 0 || opened || committedRuns(policies).length > 0) return undefined
  return [...new Set(over.flatMap((one) => runOf(one) ?? []))]
}

const closes = (image: BeforeImage): boolean => isAllow(image) && image.before === null

/** Whether it takes a failsafe away that this tool added: that closes a port on every node, so it is tried under a gate, where policies let it in if the gate goes. */
const narrowsFailsafes = ({ before, wrote = {} }: BeforeImage): boolean => {
  const spec = (before?.['spec'] ?? {}) as Readonly<Record<string, unknown>>
  return (['inbound', 'outbound'] as const).some((direction) => {
    const field = failsafeFields[direction]
    const [now, then] = [wrote[field], spec[field] ?? defaultFailsafes[direction]] as (readonly FailsafePort[] | null | undefined)[]
    return (now ?? []).some((port) => !(then ?? []).some((one) => isDeepStrictEqual(one, port) || opens([one], port)))
  })
}

/** Openings that go or come back whole are all that changes. */
const onlyOpenings = ({ differing, policies }: Standing): boolean => {
  const here = new Set(policies.map((policy) => formatRef(refOf(policy))))
  return differing.every((image) =>
    isAllow(image)
      ? image.before === null || !here.has(formatRef(image.ref))
      : image.ref.kind === 'ConfigMap' || (image.ref.kind === 'FelixConfiguration' && !narrowsFailsafes(image)),
  )
}
