import { type Fields, fieldsOf, isFields } from '../json.ts'
import { inside, type Schema } from '../schemas/schema.ts'
import { elementOf, type GranularList, isGranularList, isGranularMap, itemsByElement } from './elements.ts'
import { descend, type FieldSet } from './field-set.ts'

/** The live object with an applied configuration laid over it (structured-merge-diff `Merge`). */
export const merge = (schema: Schema, live: unknown, applied: unknown): unknown => {
  if (applied === undefined) return live
  if (live === undefined || live === null) return applied
  if (isGranularMap(schema) && isFields(live) && isFields(applied)) {
    const merged: Record<string, unknown> = { ...live }
    for (const [key, value] of Object.entries(applied)) if (value !== undefined) merged[key] = merge(inside(schema, key), live[key], value)
    return merged
  }
  return isGranularList(schema) && Array.isArray(live) && Array.isArray(applied) ? mergeItems(schema, live, applied) : applied
}

/** Applied items stand in the applied order; items only the live list has keep their place among their neighbours. */
const mergeItems = (schema: GranularList, live: readonly unknown[], applied: readonly unknown[]): unknown[] => {
  const [from, to] = [itemsByElement(schema, live), itemsByElement(schema, applied)]
  const [left, right] = [[...from.keys()], [...to.keys()]]
  const shared = right.filter((element) => from.has(element))
  const merged: unknown[] = []
  const take = (element: string): void => {
    const one = from.get(element)
    const other = to.get(element)
    merged.push(schema.listType === 'set' ? (other ?? one) : merge(schema.items, one, other))
    if (shared[0] === element) shared.shift()
  }
  let [l, r] = [0, 0]
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]]
    if (mine !== undefined && mine === theirs) {
      take(mine)
      l++
      r++
    } else if (mine !== undefined && theirs !== undefined && to.has(mine) && shared[0] !== mine) l++
    else if (mine !== undefined && !to.has(mine)) {
      take(mine)
      l++
    } else if (theirs !== undefined) {
      take(theirs)
      r++
    } else l++
  }
  return merged
}

/** The object without the given fields; a map, list or object left with nothing in it goes too. */
export const removeFields = (schema: Schema, object: unknown, fields: FieldSet): unknown => {
  const touched = new Set<string>()
  for (const path of fields) for (let end = path.indexOf('\0'); end >= 0; end = path.indexOf('\0', end + 1)) touched.add(path.slice(0, end))
  const visit = (of: Schema, value: unknown, path: string): unknown => {
    if (path !== '' && !touched.has(path)) return value
    if (isGranularMap(of) && isFields(value)) return keepFields(of, value, path)
    if (!isGranularList(of) || !Array.isArray(value)) return value
    const kept = value.flatMap((item) => {
      const below = descend(path, elementOf(of, item))
      return fields.has(below) ? [] : [visit(of.items, item, below)]
    })
    return kept.length === 0 ? undefined : kept
  }
  const keepFields = (of: Schema, value: Fields, path: string): Fields | undefined => {
    const kept = Object.entries(value).flatMap(([key, field]) => {
      const below = descend(path, `f:${key}`)
      const inner = fields.has(below) ? undefined : visit(inside(of, key), field, below)
      return inner === undefined ? [] : [[key, inner] as const]
    })
    return kept.length === 0 ? undefined : Object.fromEntries(kept)
  }
  return fieldsOf(visit(schema, object, ''))
}
