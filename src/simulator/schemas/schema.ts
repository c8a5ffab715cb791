/**
 * What the API server knows about a field: enough to refuse unknown fields, to check values, and to know who owns what in server-side apply.
 * List types follow `x-kubernetes-list-type`: an atomic list has one owner, a set and a map have one per item.
 */
export type Schema =
  | { readonly type: 'string'; readonly enum?: readonly string[]; readonly pattern?: RegExp; readonly maxLength?: number }
  | { readonly type: 'integer' | 'number'; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'any' }
  | {
      readonly type: 'object'
      readonly fields: Readonly<Record<string, Schema>>
      readonly required?: readonly string[]
      readonly atomic?: boolean
      /** Takes fields not named here. */
      readonly open?: boolean
    }
  | { readonly type: 'map'; readonly values: Schema; readonly atomic?: boolean }
  | {
      readonly type: 'list'
      readonly items: Schema
      readonly listType: 'atomic' | 'set' | 'map'
      /** What tells the items of a map apart. */
      readonly keys?: readonly string[]
      /** What a missing key reads as. */
      readonly keyDefaults?: Readonly<Record<string, string>>
    }

/** Any text. */
export const text: Schema = { type: 'string' }
/** A whole number. */
export const whole: Schema = { type: 'integer' }
/** A truth value. */
export const flag: Schema = { type: 'boolean' }
/** Anything at all, owned as one. */
export const anything: Schema = { type: 'any' }
/** One of these texts. */
export const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values })
/** A whole number between two bounds, both included. */
export const between = (min: number, max = Number.MAX_SAFE_INTEGER): Schema => ({ type: 'integer', min, max })
/** An object with these fields. */
export const object = (
  fields: Readonly<Record<string, Schema>>,
  more: { required?: readonly string[]; atomic?: boolean; open?: boolean } = {},
): Schema => ({
  type: 'object',
  fields,
  ...more,
})
/** A map from any key. */
export const map = (values: Schema): Schema => ({ type: 'map', values })
/** A list owned as one. */
export const list = (items: Schema): Schema => ({ type: 'list', items, listType: 'atomic' })
/** A list whose values are owned one by one. */
export const set = (items: Schema): Schema => ({ type: 'list', items, listType: 'set' })
/** A list of objects owned one by one, told apart by these fields. */
export const keyed = (items: Schema, ...keys: string[]): Schema => ({ type: 'list', items, listType: 'map', keys })

/** Ports, told apart by number and protocol; TCP where none is written. */
export const keyedPorts = (items: Schema, port: string): Schema => ({
  type: 'list',
  items,
  listType: 'map',
  keys: [port, 'protocol'],
  keyDefaults: { protocol: 'TCP' },
})

/** The schema of a field inside a value; `any` where nothing is known. */
export const inside = (schema: Schema, field: string): Schema => {
  if (schema.type === 'object') return schema.fields[field] ?? anything
  if (schema.type === 'map') return schema.values
  return anything
}
