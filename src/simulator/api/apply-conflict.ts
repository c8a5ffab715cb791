import type { ApplyConflict } from '../apply/field-manager.ts'
import { describePath } from '../apply/field-set.ts'
import { ApiFailure } from './status.ts'

/** 409 of a server-side apply that would change what others own: every field with its owner. */
export const applyConflict = (conflicts: readonly ApplyConflict[]): ApiFailure => {
  const all = conflicts.flatMap(({ owner, fields }) =>
    [...fields].sort().map((path) => {
      const through = owner.subresource === undefined ? '' : ` with subresource "${owner.subresource}"`
      const version = owner.operation === 'Update' ? ` using ${owner.apiVersion}` : ''
      return { by: `"${owner.manager}"${through}${version}`, field: describePath(path) }
    }),
  )
  const writers = [...new Set(all.map(({ by }) => by))]
  const texts = writers.map((by) => {
    const fields = all.filter((one) => one.by === by).map(({ field }) => field)
    return fields.length === 1
      ? `conflict with ${by}: ${fields.join('')}`
      : `conflicts with ${by}:\n${fields.map((field) => `- ${field}`).join('\n')}`
  })
  const message = `Apply failed with ${all.length} conflict${all.length === 1 ? '' : 's'}: ${texts.join('\n')}`
  const causes = all.map(({ by, field }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${by}`, field }))
  return new ApiFailure(409, 'Conflict', message, { details: { causes } })
}
