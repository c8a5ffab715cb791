import { type LabelKnowledge, type Labels, parseSelector, replaceUniversal, type Selector, withLabelPrefix } from '../calico/selector.ts'
import type { EntityRule, HostEndpoint, NetworkSet, PolicySpec } from '../calico/shapes.ts'

const namespaceLabel = 'projectcalico.org/namespace'
const serviceAccountLabel = 'projectcalico.org/serviceaccount'
/** Felix keeps the labels of an endpoint's namespace and service account on the endpoint under these prefixes. */
const prefixes = { namespace: 'pcns.', serviceAccount: 'pcsa.' } as const

const has = (label: string): Selector => ({ kind: 'has', label })
const not = (operand: Selector): Selector => ({ kind: 'not', operand })
const every = (operands: readonly Selector[]): Selector => ({ kind: 'and', operands })

/**
 * What one side of a rule selects, as one selector over endpoint labels; `undefined` when it selects by nothing of the kind
 * (libcalico-go updateprocessors/rules.go `getEndpointSelector`: `all()` means in a namespace there, `global()` in none).
 * @throws FwError FW_BAD_SELECTOR
 */
export const entitySelector = ({ selector, namespaceSelector, serviceAccounts }: EntityRule): Selector | undefined => {
  const parts: Selector[] = []
  if (namespaceSelector) {
    const prefixed = withLabelPrefix(parseSelector(namespaceSelector), prefixes.namespace)
    parts.push(replaceUniversal(prefixed, { all: has(namespaceLabel), global: not(has(namespaceLabel)) }))
  }
  if (serviceAccounts?.selector) parts.push(withLabelPrefix(parseSelector(serviceAccounts.selector), prefixes.serviceAccount))
  if (serviceAccounts?.names?.length) parts.push({ kind: 'in', label: serviceAccountLabel, values: new Set(serviceAccounts.names) })
  if (selector) parts.push(parseSelector(selector))
  return parts.length > 1 ? every(parts) : parts[0]
}

/**
 * Which endpoints a GlobalNetworkPolicy governs. With a namespaceSelector or serviceAccountSelector it wants labels no HostEndpoint
 * has by itself (globalnetworkpolicyprocessor.go).
 * @throws FwError FW_BAD_SELECTOR
 */
export const subjectSelector = ({ selector, namespaceSelector, serviceAccountSelector }: PolicySpec): Selector => {
  const scoped = (text: string, prefix: string, label: string, before: readonly Selector[]): Selector[] => {
    const universal = { all: has(label), global: { kind: 'global' } } as const
    return [...before, withLabelPrefix(parseSelector(text), prefix)].map((part) => replaceUniversal(part, universal))
  }
  let parts = [parseSelector(selector ?? '')]
  if (namespaceSelector) parts = scoped(namespaceSelector, prefixes.namespace, namespaceLabel, selector ? parts : [])
  if (serviceAccountSelector) parts = scoped(serviceAccountSelector, prefixes.serviceAccount, serviceAccountLabel, parts)
  return every(parts)
}

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
