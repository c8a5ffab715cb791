import { type Fields, fieldsOf, isFields } from '../json.ts'

/** JSON merge patch (RFC 7396): null removes, objects merge, everything else replaces. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isFields(patch)) return patch
  const merged: Record<string, unknown> = { ...fieldsOf(target) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged satisfies Fields
}
