/** A JSON object whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether the value is a JSON object, not a list and not null. */
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value as an object; anything else reads as an empty one. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

/** The value as a list; anything else reads as an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The value under a path of field names, or undefined. */
export const at = (value: unknown, ...path: string[]): unknown => path.reduce<unknown>((inner, field) => fieldsOf(inner)[field], value)

/** The text under a path of field names, or undefined where there is none. */
export const textAt = (value: unknown, ...path: string[]): string | undefined => {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** The number under a path of field names, or undefined where there is none. */
export const numberAt = (value: unknown, ...path: string[]): number | undefined => {
  const found = at(value, ...path)
  return typeof found === 'number' ? found : undefined
}

/** Whether two JSON values are the same; the order of fields does not count, an undefined field is an absent one. */
export const sameJson = (one: unknown, other: unknown): boolean => {
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((item, index) => sameJson(item, other[index]))
  if (!isFields(one) || !isFields(other)) return one === other
  const present = (fields: Fields) => Object.keys(fields).filter((key) => fields[key] !== undefined)
  const keys = present(one)
  return keys.length === present(other).length && keys.every((key) => sameJson(one[key], other[key]))
}

/** The object with one field set under a path; undefined removes the field. */
export const withField = (of: Fields, [field = '', ...rest]: readonly string[], value: unknown): Fields => {
  const inner = rest.length === 0 ? value : withField(fieldsOf(of[field]), rest, value)
  const { [field]: _replaced, ...others } = of
  return inner === undefined ? others : { ...others, [field]: inner }
}

/** Freezes a JSON value through and through, so that no reader of the store can change what is stored. */
export const frozen = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) frozen(inner)
    Object.freeze(value)
  }
  return value
}
