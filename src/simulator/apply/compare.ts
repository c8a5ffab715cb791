import { fieldsOf, sameJson } from '../json.ts'
import { inside, type Schema } from '../schemas/schema.ts'
import { isGranularList, isGranularMap, itemsByElement } from './elements.ts'
import { descend, type FieldSet } from './field-set.ts'

/** What changed between two versions of an object. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

const empty = (value: unknown): boolean => value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** Compares two objects field by field; a field that comes or goes counts itself and everything in it (structured-merge-diff `Compare`). */
export const compare = (schema: Schema, before: unknown, after: unknown): Comparison => {
  const found = { added: new Set<string>(), modified: new Set<string>(), removed: new Set<string>() }
  const leaf = (one: unknown, other: unknown, path: string): void => {
    if (one === undefined) found.added.add(path)
    else if (other === undefined) found.removed.add(path)
    else if (!sameJson(one, other)) found.modified.add(path)
  }
  const visit = (of: Schema, one: unknown, other: unknown, path: string): void => {
    if (one === undefined && other === undefined) return
    const children = childrenOf(of, one, other)
    if (children === undefined) {
      leaf(one, other, path)
      return
    }
    for (const [element, inner, from, to] of children) visit(inner, from, to, descend(path, element))
    if (path !== '' && one === undefined) found.added.add(path)
    if (path !== '' && other === undefined) found.removed.add(path)
  }
  visit(schema, fieldsOf(before), fieldsOf(after), '')
  return found
}

type Child = readonly [element: string, schema: Schema, before: unknown, after: unknown]

/** The parts of a value that are owned one by one; undefined where it has one owner as a whole. */
const childrenOf = (schema: Schema, one: unknown, other: unknown): Child[] | undefined => {
  if (isGranularMap(schema)) {
    if (empty(one) && empty(other)) return undefined
    const [from, to] = [fieldsOf(one), fieldsOf(other)]
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].map((key) => [`f:${key}`, inside(schema, key), from[key], to[key]])
  }
  if (isGranularList(schema)) {
    if (empty(one) && empty(other)) return undefined
    const [from, to] = [itemsByElement(schema, one), itemsByElement(schema, other)]
    const inner: Schema = schema.listType === 'set' ? { type: 'any' } : schema.items
    return [...new Set([...from.keys(), ...to.keys()])].map((element) => [element, inner, from.get(element), to.get(element)])
  }
  return undefined
}
