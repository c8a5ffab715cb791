import { type Fields, isFields } from '../json.ts'
import { inside, type Schema } from '../schemas/schema.ts'
import type { Cause } from './status.ts'

/** What a value lacks to fit its schema. */
export interface SchemaFindings {
  /** Paths of fields the schema does not know, `spec.foo`. */
  readonly unknown: readonly string[]
  /** Values of the wrong type, as server-side apply names them: path, what was expected. */
  readonly mistyped: readonly { readonly path: string; readonly expected: string; readonly got: unknown }[]
  /** Everything else: enums, bounds, required fields. */
  readonly causes: readonly Cause[]
}

const typeName = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const fits = (schema: Schema, value: unknown): boolean => {
  switch (schema.type) {
    case 'any':
      return true
    case 'string':
    case 'boolean':
      return typeof value === schema.type
    case 'integer':
      return Number.isInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'object':
    case 'map':
      return isFields(value)
    case 'list':
      return Array.isArray(value)
  }
}

const expectedType = (schema: Schema): string => (schema.type === 'map' ? 'object' : schema.type === 'list' ? 'array' : schema.type)

/** Holds a value against its schema. `null` fits everything: it reads as absent. */
export const checkSchema = (schema: Schema, value: unknown): SchemaFindings => {
  const found = { unknown: [] as string[], mistyped: [] as { path: string; expected: string; got: unknown }[], causes: [] as Cause[] }
  const visit = (of: Schema, inner: unknown, path: string): void => {
    if (inner === undefined || inner === null) return
    if (!fits(of, inner)) {
      found.mistyped.push({ path, expected: expectedType(of), got: inner })
      const message = `Invalid value: "${typeName(inner)}": ${path} in body must be of type ${expectedType(of)}: "${typeName(inner)}"`
      found.causes.push({ reason: 'FieldValueTypeInvalid', message, field: path })
    } else if (Array.isArray(inner) && of.type === 'list') {
      for (const [index, item] of inner.entries()) visit(of.items, item, `${path}[${index}]`)
      if (of.listType !== 'atomic') found.causes.push(...repeats(of, inner, path))
    } else if (isFields(inner)) visitFields(of, inner, path)
    else found.causes.push(...checkScalar(of, inner, path))
  }
  const visitFields = (of: Schema, fields: Fields, path: string): void => {
    if (of.type !== 'object' && of.type !== 'map') return
    const join = (key: string): string => (path === '' ? key : `${path}.${key}`)
    for (const [key, field] of Object.entries(fields)) {
      if (of.type === 'object' && of.fields[key] === undefined) {
        if (of.open !== true) found.unknown.push(join(key))
      } else visit(inside(of, key), field, join(key))
    }
    for (const key of of.type === 'object' ? (of.required ?? []) : []) {
      if (fields[key] === undefined || fields[key] === null)
        found.causes.push({ reason: 'FieldValueRequired', message: 'Required value', field: join(key) })
    }
  }
  visit(schema, value, '')
  return found
}

const checkScalar = (schema: Schema, value: unknown, field: string): Cause[] => {
  if (schema.type === 'string' && schema.enum !== undefined && !schema.enum.includes(`${value}`)) {
    const supported = schema.enum.map((one) => JSON.stringify(one)).join(', ')
    return [{ reason: 'FieldValueNotSupported', message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`, field }]
  }
  if (schema.type === 'string' && schema.maxLength !== undefined && `${value}`.length > schema.maxLength) {
    return [{ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${schema.maxLength} bytes`, field }]
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = schema
    if (Number(value) < min)
      return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${value}: must be greater than or equal to ${min}`, field }]
    if (Number(value) > max) return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${value}: must be less than or equal to ${max}`, field }]
  }
  return []
}

/** A set holds every value once, a keyed list every key. */
const repeats = (schema: Extract<Schema, { type: 'list' }>, items: readonly unknown[], field: string): Cause[] => {
  const seen = new Set<string>()
  return items.flatMap((item, index) => {
    const key = schema.listType === 'set' || !isFields(item) ? JSON.stringify(item) : JSON.stringify((schema.keys ?? []).map((name) => item[name]))
    const repeated = seen.has(key)
    seen.add(key)
    return repeated ? [{ reason: 'FieldValueDuplicate', message: `Duplicate value: ${key}`, field: `${field}[${index}]` }] : []
  })
}

const isEmptyCollection = (schema: Schema, value: unknown): boolean =>
  (schema.type === 'list' && Array.isArray(value) && value.length === 0) ||
  (schema.type === 'map' && isFields(value) && Object.keys(value).length === 0)

/**
 * The value without the fields its schema does not know and without nulls, as the API server stores it. `compact` leaves out empty lists and maps
 * too: built-in kinds and all metadata lose them, custom resources keep them.
 */
export const prune = (schema: Schema, value: unknown, compact: boolean): unknown => {
  if (Array.isArray(value)) return schema.type === 'list' ? value.map((item) => prune(schema.items, item, compact)) : value
  if (!isFields(value) || schema.type === 'any') return value
  const known = Object.entries(value).filter(
    ([key, field]) => field !== null && field !== undefined && (schema.type !== 'object' || schema.open === true || schema.fields[key] !== undefined),
  )
  return Object.fromEntries(
    known.flatMap(([key, field]) => {
      const inner = inside(schema, key)
      const lean = compact || key === 'metadata'
      const required = schema.type === 'object' && schema.required?.includes(key)
      return lean && !required && isEmptyCollection(inner, field) ? [] : [[key, prune(inner, field, lean)]]
    }),
  )
}
