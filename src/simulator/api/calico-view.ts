import type { KubeObject, Metadata } from '../../calico/object.ts'
import { storage, v3 } from '../../calico/resources.ts'
import { type Fields, fieldsOf, isFields } from '../json.ts'
import type { StorageView } from './kind.ts'

/** Where Calico keeps the metadata a user wrote: labels of a v3 object are not labels of its storage object. */
const annotation = 'projectcalico.org/metadata'

/** Keys Calico leaves in plain metadata as well (libcalico-go/lib/backend/k8s/resources, v3.28 and later). */
const isShared = (key: string): boolean => key.includes('projectcalico.org/') || key.includes('operator.tigera.io/')

const some = (entries: readonly (readonly [string, unknown])[], as: string): Fields =>
  entries.length === 0 ? {} : { [as]: Object.fromEntries(entries) }

const parsed = (text: string | undefined): Fields => {
  if (text === undefined) return {}
  const value: unknown = JSON.parse(text)
  return isFields(value) ? value : {}
}

/** A v3 object and its storage object have different uids, each made from the other. */
const otherUid = (uid: string): string => uid.replace(/^[0-9a-f]/, (digit) => (Number.parseInt(digit, 16) ^ 8).toString(16))

const read = (stored: KubeObject): KubeObject => {
  const { annotations = {}, labels, managedFields: _theirs, ownerReferences: _storages, ...metadata } = stored.metadata
  const { [annotation]: kept, ...plain } = annotations
  const written = parsed(kept)
  const ownAnnotations = { ...plain, ...fieldsOf(written['annotations']) }
  const ownLabels = { ...labels, ...fieldsOf(written['labels']) }
  const merged = {
    ...written,
    ...metadata,
    ...some(Object.entries(ownLabels), 'labels'),
    ...some(Object.entries(ownAnnotations), 'annotations'),
    ...(metadata.uid === undefined ? {} : { uid: otherUid(metadata.uid) }),
  } as Metadata
  return { ...stored, apiVersion: v3, metadata: merged }
}

const write = (object: KubeObject, stored: KubeObject | undefined): KubeObject => {
  const { labels = {}, annotations = {}, managedFields, ownerReferences, ...metadata } = object.metadata
  const kept = {
    ...(metadata.creationTimestamp === undefined ? {} : { creationTimestamp: metadata.creationTimestamp }),
    ...some(Object.entries(labels), 'labels'),
    ...some(Object.entries(annotations), 'annotations'),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(managedFields === undefined ? {} : { managedFields }),
  }
  const shared = (all: Readonly<Record<string, string>>) => Object.entries(all).filter(([key]) => isShared(key))
  return {
    ...object,
    apiVersion: storage,
    metadata: {
      ...metadata,
      ...(metadata.uid === undefined ? {} : { uid: otherUid(metadata.uid) }),
      ...some(shared(labels), 'labels'),
      annotations: { ...Object.fromEntries(shared(annotations)), [annotation]: JSON.stringify(kept) },
      ...(stored?.metadata.ownerReferences === undefined ? {} : { ownerReferences: stored.metadata.ownerReferences }),
    },
  }
}

/** `projectcalico.org/v3` as Calico's API server serves it out of `crd.projectcalico.org/v1`. */
export const calicoView = (plural: string): StorageView => ({ resource: `${plural}.crd.projectcalico.org`, read, write })

/** A storage object as Felix reads it: with the labels and annotations of both places. */
export const readStorage = read
