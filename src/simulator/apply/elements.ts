import { fieldsOf } from '../json.ts'
import type { Schema } from '../schemas/schema.ts'

/** A list whose items are owned one by one. */
export type GranularList = Extract<Schema, { type: 'list' }>

/** The path element of an item in a set (`v:`) or a keyed list (`k:`); keys are written in their own order, sorted, as the API server does. */
export const elementOf = (schema: GranularList, item: unknown): string => {
  if (schema.listType === 'set') return `v:${JSON.stringify(item)}`
  const fields = { ...schema.keyDefaults, ...fieldsOf(item) }
  const keys = [...(schema.keys ?? [])].sort().filter((key) => fields[key] !== undefined)
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, fields[key]])))}`
}

/** Whether the schema is a list whose items are owned one by one. */
export const isGranularList = (schema: Schema): schema is GranularList => schema.type === 'list' && schema.listType !== 'atomic'

/** Whether the schema is an object or a map whose fields are owned one by one. */
export const isGranularMap = (schema: Schema): boolean => (schema.type === 'object' || schema.type === 'map') && schema.atomic !== true

/** Items by their element, in order; of items with the same element the first counts. */
export const itemsByElement = (schema: GranularList, value: unknown): ReadonlyMap<string, unknown> => {
  const items = new Map<string, unknown>()
  for (const item of Array.isArray(value) ? value : []) {
    const element = elementOf(schema, item)
    if (!items.has(element)) items.set(element, item)
  }
  return items
}
