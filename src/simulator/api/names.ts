import type { Metadata } from '../../calico/object.ts'
import type { Cause } from './status.ts'

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

const bad = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
})

/** 256 KiB over all annotations of an object (apimachinery `TotalAnnotationSizeLimitB`). */
const annotationLimit = 262_144

/** What is wrong with an object's names, labels and annotations. */
export const checkMetadata = (kind: string, { name, labels = {}, annotations = {}, ownerReferences = [] }: Metadata): Cause[] => {
  const isLabel = kind === 'Namespace' || kind === 'Service'
  const fits = name.length <= (isLabel ? 63 : 253) && (isLabel ? label : subdomain).test(name)
  const why = isLabel
    ? "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
    : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  return [
    ...(fits ? [] : [bad('metadata.name', name, why)]),
    ...Object.keys(labels).flatMap((key) => (qualifiedName.test(key) ? [] : [bad('metadata.labels', key, 'name part must be a qualified name')])),
    ...Object.values(labels).flatMap((value) =>
      labelValue.test(value) ? [] : [bad('metadata.labels', value, 'a valid label must be at most 63 letters, digits, -, _ or .')],
    ),
    ...(size <= annotationLimit
      ? []
      : [{ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${annotationLimit} bytes`, field: 'metadata.annotations' }]),
    ...ownerReferences.flatMap(({ uid }) => (uid === '' ? [bad('metadata.ownerReferences.uid', uid, 'uid must not be empty')] : [])),
  ]
}
