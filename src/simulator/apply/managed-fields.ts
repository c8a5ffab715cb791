import type { KubeObject } from '../../calico/object.ts'
import { fieldsOf, listOf, textAt } from '../json.ts'
import { type FieldSet, fromFieldsV1, toFieldsV1, without } from './field-set.ts'

/** Who owns what: one entry of `metadata.managedFields`, its fields as a set. */
export interface Owner {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
  /** RFC 3339; when this manager last changed the object. One that only joined the owners has none. */
  readonly time?: string
  readonly fields: FieldSet
}

/** Fields nobody owns (apimachinery managedfields `stripMeta`); of `metadata` itself only the object, not what is inside. */
const envelope = new Set(['f:apiVersion', 'f:kind', 'f:metadata'])
const identity = ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
  (field) => `f:metadata\0f:${field}`,
)

/** The set without fields nobody owns and without those the endpoint resets: `status` on the object, all else on its status. */
export const ownable = (fields: FieldSet, reset: (path: string) => boolean): FieldSet =>
  new Set([...without(fields, identity)].filter((path) => !envelope.has(path) && !reset(path)))

/** Whether two entries are one manager's: name, operation, version and subresource count. */
export const sameOwner = (one: Owner, other: Omit<Owner, 'fields' | 'time'>): boolean =>
  one.manager === other.manager && one.operation === other.operation && one.apiVersion === other.apiVersion && one.subresource === other.subresource

/** Reads `metadata.managedFields`. */
export const ownersOf = (object: KubeObject | undefined): Owner[] =>
  listOf(object?.metadata.managedFields).map((entry) => {
    const subresource = textAt(entry, 'subresource')
    const time = textAt(entry, 'time')
    return {
      manager: textAt(entry, 'manager') ?? '',
      operation: textAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
      apiVersion: textAt(entry, 'apiVersion') ?? '',
      ...(subresource === undefined ? {} : { subresource }),
      ...(time === undefined ? {} : { time }),
      fields: fromFieldsV1(fieldsOf(entry)['fieldsV1']),
    }
  })

/** The object with these owners written into `metadata.managedFields`; owners of nothing are left out. */
export const withOwners = (object: KubeObject, owners: readonly Owner[]): KubeObject => {
  const managedFields = owners
    .filter(({ fields }) => fields.size > 0)
    .sort((one, other) => order(one).localeCompare(order(other), 'en'))
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      ...{ manager, operation, apiVersion, fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(fields) },
      ...(time === undefined ? {} : { time }),
      ...(subresource === undefined ? {} : { subresource }),
    }))
  const { managedFields: _before, ...metadata } = object.metadata
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } }
}

const order = ({ operation, time, manager, apiVersion, subresource = '' }: Owner): string =>
  [operation, time, manager, apiVersion, subresource].join(' ')
