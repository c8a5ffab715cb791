import type { KubeObject } from '../calico/object.ts'
import type { Flavour } from '../firewall/facts/facts.ts'

/** An object in both API groups under different names, or in the storage group alone (`v3` is empty then). */
export interface Duplicate {
  readonly kind: string
  /** With its namespace where it has one: `team-a/allow-dns`. */
  readonly v3: string
  readonly storage: string
}

/** Kinds whose storage name was `default.NAME` up to Calico 3.31; from 3.32 the prefix is gone (calico#11232). */
const prefixedKinds = ['GlobalNetworkPolicy', 'NetworkPolicy', 'StagedGlobalNetworkPolicy', 'StagedNetworkPolicy']
const prefix = 'default.'

/**
 * Finds what two ways of writing Calico objects have left behind, for one kind. Behind the aggregated API every object shows in both groups, so
 * there only a second storage object of the same name, or one the API does not show, is reported: Felix enforces it, and nobody sees it
 * (calicoctl#2065). With native CRDs the groups are separate stores, and what the storage group holds is what an old installation left.
 */
export const findDuplicates = (flavour: Flavour, v3Objects: readonly KubeObject[], storageObjects: readonly KubeObject[]): Duplicate[] => {
  const unseen = new Map(v3Objects.map((object) => [keyOf(object), object]))
  const take = (key: string | undefined): boolean => key !== undefined && unseen.delete(key)
  let left = [...storageObjects]
  const drop = (isShown: (object: KubeObject) => boolean): void => {
    left = left.filter((object) => !isShown(object))
  }
  if (flavour === 'aggregated') drop((object) => take(recordedKey(object)))
  drop((object) => take(keyOf(object)))
  if (flavour === 'aggregated') drop((object) => isPrefixed(object) && take(plainKey(object)))
  const shown = new Map(v3Objects.map((object) => [plainKey(object), keyOf(object)]))
  return left.map((object) => ({ kind: object.kind, v3: shown.get(plainKey(object)) ?? '', storage: keyOf(object) }))
}

const keyOf = ({ metadata }: KubeObject, name = metadata.name): string => (metadata.namespace === undefined ? name : `${metadata.namespace}/${name}`)

const isPrefixed = ({ kind, metadata }: KubeObject): boolean => prefixedKinds.includes(kind) && metadata.name.startsWith(prefix)

const plainKey = (object: KubeObject): string => keyOf(object, isPrefixed(object) ? object.metadata.name.slice(prefix.length) : object.metadata.name)

/** The v3 name Calico itself wrote beside the storage object (libcalico-go/lib/backend/k8s/resources); objects written by hand have none. */
const recordedKey = (object: KubeObject): string | undefined => {
  try {
    const recorded: unknown = JSON.parse(object.metadata.annotations?.['projectcalico.org/metadata'] ?? 'null')
    const name = typeof recorded === 'object' && recorded !== null && 'name' in recorded ? recorded.name : undefined
    return typeof name === 'string' ? keyOf(object, name) : undefined
  } catch {
    return undefined
  }
}
