import { fieldManager } from '../calico/names.ts'
import type { KubeObject, Metadata, ObjectRef } from '../calico/object.ts'
import { tierOf } from '../calico/policies.ts'
import { storage, v3 } from '../calico/resources.ts'
import type { GlobalNetworkPolicy } from '../calico/shapes.ts'

/** How a version of Calico names policies in its storage. */
export interface StoredNames {
  /** Policies of tier default are stored as `default.NAME`: up to 3.31 (calico#11232). */
  readonly prefixed: boolean
}

const metadataKey = 'projectcalico.org/metadata'
const tierLabel = 'projectcalico.org/tier'
const prefix = 'default.'

/** Keys Calico leaves in plain metadata as well (libcalico-go/lib/backend/k8s/resources/resources.go `isOurs`). */
const isCalicos = (key: string): boolean => key.includes('projectcalico.org/') || key.includes('operator.tigera.io/')

/** Where a v3 object is stored. */
export const storedRef = (ref: ObjectRef, names: StoredNames): ObjectRef => ({
  ...ref,
  apiVersion: storage,
  name: ref.kind === 'GlobalNetworkPolicy' && names.prefixed && !ref.name.startsWith(prefix) ? `${prefix}${ref.name}` : ref.name,
})

/**
 * A v3 object as Calico's own client stores it (libcalico-go `ConvertCalicoResourceToK8sResource`, 3.28 to 3.32): labels and annotations in one annotation, in Go's
 * order of fields; a policy with its name there and the label of its tier. No time is recorded: Calico then takes the storage object's.
 */
export const stored = (object: KubeObject, names: StoredNames): KubeObject => {
  const isPolicy = object.kind === 'GlobalNetworkPolicy'
  const { labels: given = {}, annotations: written = {}, name, ...rest } = object.metadata
  const labels = isPolicy ? { ...given, [tierLabel]: tierOf(object as GlobalNetworkPolicy) } : given
  const recorded = {
    ...(isPolicy ? { name } : {}),
    creationTimestamp: null,
    ...some('labels', Object.entries(labels)),
    ...some('annotations', Object.entries(written)),
  }
  return {
    ...object,
    apiVersion: storage,
    metadata: {
      ...rest,
      name: storedRef({ apiVersion: v3, kind: object.kind, name }, names).name,
      ...some(
        'labels',
        Object.entries(labels).filter(([key]) => isCalicos(key)),
      ),
      annotations: { ...Object.fromEntries(Object.entries(written).filter(([key]) => isCalicos(key))), [metadataKey]: JSON.stringify(recorded) },
    },
  }
}

/** Go marshals maps by key. */
const some = <Field extends string>(
  field: Field,
  entries: readonly (readonly [string, string])[],
): { readonly [Key in Field]?: Record<string, string> } =>
  entries.length === 0
    ? {}
    : ({ [field]: Object.fromEntries([...entries].sort(([one], [other]) => (one < other ? -1 : 1))) } as { [Key in Field]: Record<string, string> })

/**
 * A stored object as Calico's v3 API would show it (`ConvertK8sResourceToCalicoResource`): the annotation wins over plain metadata. The uid stays the
 * stored one, which deletes are guarded by. The labels our field manager wrote are told as if they were fields of their own.
 */
export const shown = (object: KubeObject): KubeObject => {
  const { annotations: { [metadataKey]: text, ...plain } = {}, managedFields, ...metadata } = object.metadata
  const recorded = recordedIn(text)
  const annotations = { ...plain, ...recorded.annotations }
  const labels = { ...metadata.labels, ...recorded.labels }
  return {
    ...object,
    apiVersion: v3,
    metadata: {
      ...metadata,
      name: recorded.name ?? shownName(object),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(managedFields === undefined ? {} : { managedFields: managedFields.map((fields) => withLabels(fields, recorded.labels)) }),
    },
  }
}

const shownName = (object: KubeObject): string => {
  const { name } = object.metadata
  return object.kind === 'GlobalNetworkPolicy' && tierOf(object as GlobalNetworkPolicy) === 'default' && name.startsWith(prefix)
    ? name.slice(prefix.length)
    : name
}

type ManagedFields = NonNullable<Metadata['managedFields']>[number]

/** Who owns the annotation owns the labels in it, all but that of the tier, which nobody asks for. */
const withLabels = (fields: ManagedFields, labels: Readonly<Record<string, string>> = {}): ManagedFields => {
  if (fields.manager !== fieldManager || fields.operation !== 'Apply') return fields
  const owned = Object.keys(labels).filter((key) => key !== tierLabel)
  return { ...fields, fieldsV1: { 'f:metadata': { 'f:labels': Object.fromEntries(owned.map((key) => [`f:${key}`, {}])) } } }
}

interface Recorded {
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const recordedIn = (text: string | undefined): Recorded => {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}
