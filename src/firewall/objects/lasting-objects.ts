import { keys } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { byText } from '../by-text.ts'

/** Where each object stands in a safe order of applying: what opens before what selects, what closes last. */
const place = ({ kind, metadata }: KubeObject): number => {
  const role = metadata.labels?.[keys.policy]
  if (kind === 'Service' || kind === 'GlobalNetworkSet') return 0
  if (kind === 'GlobalNetworkPolicy') return role === 'deny' || role === 'egress' ? 4 : role === 'base' ? 1 : 2
  return 3
}

const isLasting = ({ kind, metadata }: KubeObject): boolean =>
  ['Service', 'GlobalNetworkSet', 'GlobalNetworkPolicy', 'HostEndpoint'].includes(kind) &&
  metadata.labels?.[keys.policy] !== 'gate' &&
  metadata.labels?.[keys.set] !== 'open'

/** What the server keeps in a Service beside what was asked. */
const assigned = ['clusterIPs', 'internalTrafficPolicy', 'ipFamilies', 'sessionAffinity', 'type']

const specOf = ({ kind, ...object }: KubeObject): unknown =>
  kind === 'Service' ? Object.fromEntries(Object.entries(object['spec'] as object).filter(([field]) => !assigned.includes(field))) : object['spec']

/**
 * The objects of a firewall in force that stand for good, as they would be written: without what servers add, in an order that is safe to apply them in, the
 * same bytes for the same cluster. Neither the switches (the gate, the open set) nor anything in namespace calico-fw is among them.
 */
export const lastingObjects = (own: readonly KubeObject[]): KubeObject[] =>
  own
    .filter(isLasting)
    .map((object): KubeObject => {
      const { apiVersion, kind, metadata } = object
      const { name, namespace, labels = {} } = metadata
      return {
        ...{ apiVersion, kind },
        metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: sorted(labels) },
        spec: specOf(object),
      }
    })
    .sort((one, other) => place(one) - place(other) || byText(one.kind, other.kind) || byText(one.metadata.name, other.metadata.name))

const sorted = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).sort(([one], [other]) => byText(one, other)))
