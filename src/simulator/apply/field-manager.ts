import type { KubeObject } from '../../calico/object.ts'
import type { Schema } from '../schemas/schema.ts'
import { compare } from './compare.ts'
import { difference, type FieldSet, intersection, union, withNamedParents } from './field-set.ts'
import { type Owner, ownable, ownersOf, sameOwner, withOwners } from './managed-fields.ts'
import { merge, removeFields } from './merge.ts'
import { ownedFields } from './owned-fields.ts'

/** Who writes, through which endpoint and when. */
export interface Writer {
  readonly manager: string
  readonly apiVersion: string
  /** `status` when the write goes to the status endpoint. */
  readonly subresource?: string
  /** RFC 3339. */
  readonly time: string
  /** Whether the kind has a status endpoint: then the main one does not own status, and the status one owns nothing else. */
  readonly statusEndpoint: boolean
}

/** Fields of an applied configuration another manager owns with another value. */
export interface ApplyConflict {
  readonly owner: Owner
  readonly fields: FieldSet
}

/** Server-side apply: the merged object, or the conflicts that forbid it. */
export type Applied = { readonly object: KubeObject } | { readonly conflicts: readonly ApplyConflict[] }

const resetFor = ({ subresource, statusEndpoint }: Writer) => {
  const isStatus = (path: string): boolean => path === 'f:status' || path.startsWith('f:status\0')
  if (!statusEndpoint) return () => false
  return subresource === 'status' ? (path: string) => !isStatus(path) : isStatus
}

const identityOf = ({ manager, apiVersion, subresource }: Writer, operation: Owner['operation']) => ({
  ...{ manager, operation, apiVersion },
  ...(subresource === undefined ? {} : { subresource }),
})

const touched = (owner: Owner, fields: FieldSet, time: string | undefined): Owner => {
  const same = fields.size === owner.fields.size && [...fields].every((path) => owner.fields.has(path))
  return same ? owner : { ...owner, fields, ...(time === undefined ? {} : { time }) }
}

/**
 * Server-side apply as the API server does it (structured-merge-diff `Updater.Apply`): lays the configuration over the live object, drops what
 * this manager applied before and nobody owns any more, and refuses to change what others own, unless forced: then they lose it.
 */
export const applyConfiguration = (
  schema: Schema,
  live: KubeObject | undefined,
  configuration: KubeObject,
  writer: Writer,
  force: boolean,
): Applied => {
  const self = identityOf(writer, 'Apply')
  const reset = resetFor(writer)
  const before = ownersBeforeApply(schema, live, writer)
  const own = before.find((owner) => sameOwner(owner, self))
  const others = before.filter((owner) => !sameOwner(owner, self))
  const named = ownedFields(schema, configuration)
  const fields = ownable(named, reset)
  const merged = merge(schema, live ?? {}, configuration) as KubeObject
  const abandoned = difference(withNamedParents(own?.fields ?? new Set()), withNamedParents(union(named, ...others.map((owner) => owner.fields))))
  const object = removeFields(schema, merged, abandoned) as KubeObject
  const changes = compare(schema, live, object)
  const changed = union(changes.added, changes.modified)
  const conflicts = others.map((owner) => ({ owner, fields: intersection(owner.fields, changed) })).filter((found) => found.fields.size > 0)
  if (conflicts.length > 0 && !force) return { conflicts }
  const kept = others.map((owner) => touched(owner, difference(owner.fields, union(changed, changes.removed)), owner.time))
  const time = changed.size + changes.removed.size === 0 ? undefined : writer.time
  return { object: withOwners(object, [...kept, touched(own ?? { ...self, fields: new Set() }, fields, time)]) }
}

/** Who owned what before an apply: where nobody is recorded, everything belongs to `before-first-apply`. */
const ownersBeforeApply = (schema: Schema, live: KubeObject | undefined, writer: Writer): Owner[] => {
  const owners = ownersOf(live)
  if (live === undefined || owners.length > 0) return owners
  const fields = ownable(ownedFields(schema, live), () => false)
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion: writer.apiVersion, time: writer.time, fields }]
}

/** Every other write: the writer owns what it changed, everybody else loses it (structured-merge-diff `Updater.Update`). */
export const trackUpdate = (schema: Schema, live: KubeObject | undefined, object: KubeObject, writer: Writer): KubeObject => {
  const self = identityOf(writer, 'Update')
  const changes = compare(schema, live, object)
  const changed = union(changes.added, changes.modified)
  const before = ownersOf(live)
  const own = before.find((owner) => sameOwner(owner, self)) ?? { ...self, fields: new Set<string>() }
  const mine = ownable(union(difference(own.fields, changes.removed), changed), resetFor(writer))
  const others = before.filter((owner) => !sameOwner(owner, self))
  const kept = others.map((owner) => touched(owner, difference(owner.fields, union(changed, changes.removed)), owner.time))
  return withOwners(object, [...kept, touched(own, mine, writer.time)])
}
