import { anything, flag, keyed, list, map, object, type Schema, set, text, whole } from './schema.ts'

const ownerReference: Schema = object(
  { apiVersion: text, kind: text, name: text, uid: text, controller: flag, blockOwnerDeletion: flag },
  { required: ['apiVersion', 'kind', 'name', 'uid'], atomic: true },
)

/** `metadata` of every object (k8s.io/apimachinery meta/v1 ObjectMeta). */
export const metadata: Schema = object({
  ...{ name: text, generateName: text, namespace: text, selfLink: text, uid: text, resourceVersion: text, generation: whole },
  ...{ creationTimestamp: text, deletionTimestamp: text, deletionGracePeriodSeconds: whole },
  ...{ labels: map(text), annotations: map(text), finalizers: set(text) },
  ownerReferences: keyed(ownerReference, 'uid'),
  managedFields: list(anything),
})

/** The schema of a whole object of some kind. */
export const kindSchema = (fields: Readonly<Record<string, Schema>>, more: { required?: readonly string[]; open?: boolean } = {}): Schema =>
  object({ apiVersion: text, kind: text, metadata, ...fields }, more)

/** A Kubernetes LabelSelector: one owner for the whole of it. */
export const labelSelector: Schema = object(
  {
    matchLabels: map(text),
    matchExpressions: list(object({ key: text, operator: text, values: list(text) }, { required: ['key', 'operator'] })),
  },
  { atomic: true },
)
