import { fieldsOf, isFields } from '../json.ts'
import { inside, type Schema } from '../schemas/schema.ts'
import { isGranularList, isGranularMap, itemsByElement } from './elements.ts'
import { descend, type FieldSet } from './field-set.ts'

/** The fields an applied configuration names: its leaves, its list items and its map keys (structured-merge-diff `ToFieldSet`). */
export const ownedFields = (schema: Schema, value: unknown): FieldSet => {
  const set = new Set<string>()
  const visit = (of: Schema, inner: unknown, path: string): void => {
    if (isGranularMap(of) && isFields(inner)) {
      for (const [key, field] of Object.entries(inner)) {
        if (field === undefined) continue
        const below = descend(path, `f:${key}`)
        if (field === null || (isFields(field) && Object.keys(field).length === 0) || of.type === 'map') set.add(below)
        visit(inside(of, key), field, below)
      }
    } else if (isGranularList(of) && Array.isArray(inner)) {
      for (const [element, item] of itemsByElement(of, inner)) {
        const below = descend(path, element)
        set.add(below)
        if (of.listType === 'map') visit(of.items, item, below)
      }
    } else if (path !== '') set.add(path)
  }
  visit(schema, fieldsOf(value), '')
  return set
}
