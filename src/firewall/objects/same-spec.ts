import { fieldManager } from '../../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../../calico/object.ts'

/** What a write of an object would do. */
export interface ObjectDifference {
  readonly object: KubeObject
  readonly change: 'create' | 'update' | 'none'
}

/** What writing each wanted object would do, given what is there. Objects are matched by kind, namespace and name, not by API group. */
export const diffObjects = (live: readonly KubeObject[], wanted: readonly KubeObject[]): ObjectDifference[] => {
  const byName = new Map(live.map((object) => [formatRef(refOf(object)), object]))
  return wanted.map((object) => {
    const found = byName.get(formatRef(refOf(object)))
    return { object, change: found === undefined ? 'create' : sameSpec(found, object) ? 'none' : 'update' }
  })
}

/**
 * Whether an object in the cluster already says what we would write. Labels and annotations of others, status and what the server fills in
 * do not count. Calico's specs must agree to the last field: a `notNets` somebody added to a rule of ours narrows it. Of Kubernetes' own
 * kinds only the fields we write are compared, for the server adds dozens.
 */
export const sameSpec = (live: KubeObject, wanted: KubeObject): boolean => {
  if (live.kind !== wanted.kind || live.metadata.deletionTimestamp !== undefined || !sameMetadata(live, wanted)) return false
  const exact = wanted.apiVersion.includes('projectcalico.org/')
  return Object.entries(wanted)
    .filter(([field]) => field !== 'apiVersion' && field !== 'kind' && field !== 'metadata')
    .every(([field, value]) => {
      const [found, meant] = [tidy(live[field], wanted.kind), tidy(value, wanted.kind)]
      return exact ? equal(found, meant) : includes(found, meant)
    })
}

const sameMetadata = ({ metadata: live }: KubeObject, { metadata: wanted }: KubeObject): boolean =>
  includes(live.labels ?? {}, wanted.labels ?? {}) &&
  includes(live.annotations ?? {}, wanted.annotations ?? {}) &&
  ownedLabels(live.managedFields ?? []).every((key) => wanted.labels?.[key] !== undefined)

/** The labels our field manager owns: one the user has taken out of the file is still ours to remove. */
const ownedLabels = (managedFields: NonNullable<KubeObject['metadata']['managedFields']>): string[] =>
  managedFields
    .filter(({ manager, operation }) => manager === fieldManager && operation === 'Apply')
    .flatMap(({ fieldsV1 }) => Object.keys(child(child(fieldsV1, 'f:metadata'), 'f:labels')))
    .flatMap((field) => (field.startsWith('f:') ? [field.slice(2)] : []))

const child = (value: unknown, key: string): object => {
  const found = isRecord(value) ? value[key] : undefined
  return isRecord(found) ? found : {}
}

/** Lists the CRDs declare as sets: their order means nothing. */
const setFields = new Set(['expectedIPs', 'nets', 'profiles', 'types'])

/** Without what means the same as absent: null, false, empty texts, lists and maps, and the tier every policy gets. */
const tidy = (value: unknown, kind: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => tidy(item, kind) ?? {})
  if (!isRecord(value)) return value === null || value === false || value === '' ? undefined : value
  const fields = Object.entries(value).flatMap(([key, found]): [string, unknown][] => {
    const tidied = tidy(found, kind)
    if (tidied === undefined || (Array.isArray(tidied) && tidied.length === 0)) return []
    if (kind === 'GlobalNetworkPolicy' && key === 'tier' && tidied === 'default') return []
    return [[key, setFields.has(key) && Array.isArray(tidied) ? [...tidied].sort() : tidied]]
  })
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

const equal = (one: unknown, other: unknown): boolean => includes(one, other) && includes(other, one)

/** Whether every field of `part` stands in `whole`; lists must agree item for item. */
const includes = (whole: unknown, part: unknown): boolean => {
  if (Array.isArray(part)) return Array.isArray(whole) && whole.length === part.length && part.every((item, at) => includes(whole[at], item))
  if (isRecord(part)) return isRecord(whole) && Object.entries(part).every(([key, value]) => includes(whole[key], value))
  return whole === part
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
