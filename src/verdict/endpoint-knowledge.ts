import { namespaceLabel, prefixes } from '../calico/endpoint-selectors.ts'
import type { LabelKnowledge, Labels } from '../calico/selector.ts'
import type { HostEndpoint, NetworkSet } from '../calico/shapes.ts'

const lookUp = (labels: Labels, label: string): LabelKnowledge | 'missing' =>
  Object.hasOwn(labels, label) ? { value: labels[label] ?? '' } : 'missing'

/**
 * What is known of a set's labels. Calico itself sets `projectcalico.org/namespace` on a NetworkSet; the labels of its namespace are inherited
 * as `pcns.KEY`, but a `pcns.` label written on the set by its owner wins: that is how a tenant can forge a namespaceSelector's match.
 */
export const setKnowledge = ({ metadata }: NetworkSet): ((label: string) => LabelKnowledge) => {
  const { namespace, labels = {} } = metadata
  if (namespace === undefined) return knowledgeOf(labels, false)
  const inherited = { 'pcns.projectcalico.org/name': namespace, 'pcns.kubernetes.io/metadata.name': namespace }
  return knowledgeOf({ ...inherited, ...labels, [namespaceLabel]: namespace }, true)
}

/** What is known of a HostEndpoint's labels: its own, and those of a namespace only if it names that namespace's profile. */
export const hostEndpointKnowledge = ({ metadata, spec }: HostEndpoint): ((label: string) => LabelKnowledge) =>
  knowledgeOf(
    metadata.labels ?? {},
    (spec.profiles ?? []).some((profile) => /^(kns|ksa)\./.test(profile)),
  )

/** What is known of any pod's labels: it has a namespace. */
export const podKnowledge = (label: string): LabelKnowledge => {
  if (label === namespaceLabel) return 'present'
  return label === 'projectcalico.org/orchestrator' ? { value: 'k8s' } : undefined
}

const knowledgeOf =
  (labels: Labels, inherits: boolean) =>
  (label: string): LabelKnowledge => {
    const own = lookUp(labels, label)
    if (own !== 'missing') return own
    return inherits && (label.startsWith(prefixes.namespace) || label.startsWith(prefixes.serviceAccount)) ? undefined : 'absent'
  }
