import { isOurs } from '../calico/names.ts'
import type { KubeObject } from '../calico/object.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import type { World } from '../verdict/model.ts'
import { worldOf } from '../verdict/world.ts'
import { type Act, actingAll, type PlanState } from './acts.ts'
import { castOf } from './cast.ts'
import { missingFailsafes } from './missing-failsafes.ts'
import { type Proof, proveStates } from './prove-states.ts'
import { undoing } from './undo-states.ts'

/** A change given by its steps. */
export interface Acts {
  readonly facts: Facts
  /** The firewall it leads to. */
  readonly firewall: HostFirewall
  readonly acts: readonly Act[]
  /** Set where a run that fails is undone by opening first; absent where it only ever opens. */
  readonly openSet?: KubeObject
}

/**
 * Proves a change by the very steps that will be performed: no state they can stop in cuts a lifeline that works now. Failsafes that are
 * missing already are not held against it, only those it takes away.
 */
export const proveActs = ({ facts, firewall, acts, openSet }: Acts): Proof => {
  const all = acts.flatMap((act) => [act, ...(act.instead === undefined ? [] : [act.instead])])
  const objects = all.flatMap(({ write = [] }) => write)
  const cast = castOf(facts, { firewall, objects, removes: all.flatMap(({ remove = [] }) => remove), batches: [] })
  const kept = acts.map(({ write = [], ...act }): Act => ({ ...act, write: write.filter(cast.keeps) }))
  const proof = proveStates(cast, states(worldOf(cast.facts), kept, openSet))
  const { hostEndpoints, failsafes } = ended(actingAll(worldOf(facts), acts))
  // What another's HostEndpoint closes once it is back, it closed without them before: that is theirs to know.
  const end = { failsafes, hostEndpoints: hostEndpoints.filter(isOurs) }
  const before = new Set(missingFailsafes(facts, worldOf(facts), firewall).map(({ flow, rule }) => `${flow} ${rule}`))
  const missing = missingFailsafes(facts, end, firewall).filter(({ flow, rule }) => !before.has(`${flow} ${rule}`))
  return { ...proof, refusals: [...missing, ...proof.refusals] }
}

function* states(world: World, acts: readonly Act[], openSet: KubeObject | undefined): Generator<PlanState> {
  const end = yield* actingAll(world, acts)
  if (openSet !== undefined) yield* undoing(end, world, openSet)
}

const ended = <T>(states: Generator<PlanState, T>): T => {
  let step = states.next()
  while (!step.done) step = states.next()
  return step.value
}
