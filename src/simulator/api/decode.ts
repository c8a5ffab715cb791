import type { KubeObject } from '../../calico/object.ts'
import { apiVersionOf } from '../../calico/resources.ts'
import type { Kind } from './kind.ts'
import { checkSchema, prune } from './schema-check.ts'
import { ApiFailure, badRequest } from './status.ts'

/** The object as the API server reads it: unknown fields refused or dropped, values of the wrong type refused. */
export const decode = (kind: Kind, object: KubeObject, strict: boolean): KubeObject => {
  const { unknown, mistyped } = checkSchema(kind.schema, object)
  if (unknown.length > 0 && strict) {
    const text = unknown.map((path) => `unknown field "${path}"`).join(', ')
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${text}`)
  }
  const [wrong] = mistyped
  if (wrong !== undefined && !kind.custom) {
    const got = Array.isArray(wrong.got) ? 'array' : typeof wrong.got
    const text = `json: cannot unmarshal ${got} into Go struct field .${wrong.path} of type ${wrong.expected}`
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${text}`)
  }
  return prune(kind.schema, object, !kind.custom) as KubeObject
}

/** An applied configuration must fit the schema whatever `fieldValidation` says; the API server answers 500 without a reason (1.36). */
export const refuseUntyped = (kind: Kind, configuration: KubeObject): void => {
  const { unknown, mistyped, causes } = checkSchema(kind.schema, configuration)
  const faults = [
    ...causes
      .filter(({ reason }) => reason === 'FieldValueDuplicate')
      .map(({ field, message }) => `.${field.replace(/\[\d+\]$/, '')}: duplicate entries for key [=${message.replace('Duplicate value: ', '')}]`),
    ...unknown.map((path) => `.${path}: field not declared in schema`),
    ...mistyped.map(({ path, expected }) => `.${path}: expected ${expected}`),
  ]
  if (faults.length === 0) return
  const { name, namespace = '' } = configuration.metadata
  const gvk = `${apiVersionOf(kind).includes('/') ? '' : '/'}${apiVersionOf(kind)}, Kind=${kind.kind}`
  throw new ApiFailure(500, undefined, `failed to create typed patch object (${namespace}/${name}; ${gvk}): ${faults.join(', ')}`)
}
