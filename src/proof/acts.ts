import { formatRef, type KubeObject, type ObjectRef, refOf } from '../calico/object.ts'
import { sameSpec } from '../firewall/objects/same-spec.ts'
import type { World } from '../verdict/model.ts'
import { finder, isHostEndpoint, isPolicy, isSet, without, written } from './world-edits.ts'

/** One state a rollout can stand in, crashed or not. */
export interface PlanState {
  readonly name: string
  readonly world: World
  /** Nodes whose HostEndpoints differ from the state before; undefined where anything may have changed. */
  readonly changed: readonly string[] | undefined
}

/** What one step of a rollout changes that a verdict can see. Its writes run side by side: a crash may leave any of them without any other. */
export interface Act {
  /** The state it ends in: `policies written`. */
  readonly done: string
  readonly write?: readonly KubeObject[]
  readonly remove?: readonly ObjectRef[]
  readonly failsafes?: World['failsafes']
  /** The gate's set, where it is armed: from here on it may vanish at any moment, until it is removed. */
  readonly gate?: KubeObject
  /** What is done where this act cannot be. */
  readonly instead?: Act
}

type Edit = { readonly write: KubeObject } | { readonly remove: ObjectRef }

/** The states an act passes through, and the world it leaves. */
export function* acting(world: World, act: Act): Generator<PlanState, World> {
  const edits = editsOf(world, act)
  const onlyEndpoints = edits.every((edit) => ('write' in edit ? isHostEndpoint(edit.write) : edit.remove.kind === 'HostEndpoint'))
  const changed = act.failsafes === undefined && edits.length > 0 && onlyEndpoints ? nodesOf(world, edits) : undefined
  for (const part of separating(edits)) yield { name: `half-way to "${act.done}": ${wordsOf(part)}`, world: edited(world, part), changed }
  const done = edited(act.failsafes === undefined ? world : { ...world, failsafes: act.failsafes }, edits)
  yield { name: act.done, world: done, changed }
  return done
}

/** The states a list of acts passes through, and the world it leaves. While a gate is armed each act is also seen with the gate gone. */
export function* actingAll(world: World, acts: readonly Act[]): Generator<PlanState, World> {
  let [now, gate] = [world, undefined as ObjectRef | undefined]
  for (const act of acts) {
    if (act.instead !== undefined) yield* acting(now, act.instead)
    let last: PlanState | undefined
    for (const state of acting(now, act)) {
      last = state
      yield state
    }
    now = last?.world ?? now
    if (act.gate !== undefined) gate = refOf(act.gate)
    if (gate !== undefined && finder(now)(gate) !== undefined)
      yield { name: `gate expired, ${act.done}`, world: without(now, [gate]), changed: last?.changed }
  }
  return now
}

/** What puts a world back to another, kind by kind. */
export const backTo = (now: World, then: World, kinds: 'hostEndpoints' | 'policies' | 'networkSets'): Pick<Act, 'write' | 'remove'> => {
  const wanted: readonly KubeObject[] = then[kinds]
  const names = new Set(wanted.map((object) => formatRef(refOf(object))))
  return { write: wanted, remove: now[kinds].map(refOf).filter((ref) => !names.has(formatRef(ref))) }
}

/** Only what really changes: an object that is there as wanted is not written, one that is gone is not deleted. */
const editsOf = (world: World, { write = [], remove = [] }: Act): Edit[] => {
  const found = finder(world)
  return [
    ...write.flatMap((object): Edit[] => {
      if (!isHostEndpoint(object) && !isPolicy(object) && !isSet(object)) return []
      const present = found(refOf(object))
      return present !== undefined && sameSpec(present, object) ? [] : [{ write: object }]
    }),
    ...remove.flatMap((ref): Edit[] => (found(ref) === undefined ? [] : [{ remove: ref }])),
  ]
}

const edited = (world: World, edits: readonly Edit[]): World =>
  without(
    written(
      world,
      edits.flatMap((edit) => ('write' in edit ? [edit.write] : [])),
    ),
    edits.flatMap((edit) => ('remove' in edit ? [edit.remove] : [])),
  )

/**
 * Parts that tell any two edits apart in either order: each bit of their numbers and its complement. What depends on two objects cannot see
 * more of a half-done step than which of the two is done.
 */
const separating = (edits: readonly Edit[]): Edit[][] => {
  const parts: Edit[][] = []
  for (let bit = 1; bit < edits.length; bit *= 2) {
    parts.push(
      edits.filter((_, at) => (at & bit) === 0),
      edits.filter((_, at) => (at & bit) !== 0),
    )
  }
  return parts
}

/** The nodes whose HostEndpoints an act touches; a HostEndpoint that moves touches both. */
const nodesOf = (world: World, edits: readonly Edit[]): string[] => {
  const found = finder(world)
  return edits.flatMap((edit) =>
    ['write' in edit ? edit.write : undefined, found('write' in edit ? refOf(edit.write) : edit.remove)].flatMap((object) =>
      object !== undefined && isHostEndpoint(object) ? [object.spec.node] : [],
    ),
  )
}

const wordsOf = ([first, ...more]: readonly Edit[]): string => {
  if (first === undefined) return 'nothing yet'
  const one = 'write' in first ? `${formatRef(refOf(first.write))} written` : `${formatRef(first.remove)} removed`
  return more.length === 0 ? one : `${one}, and ${more.length} more`
}
