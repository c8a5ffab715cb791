import { parseSelector, replaceUniversal, type Selector, withLabelPrefix } from './selector.ts'
import type { EntityRule, PolicySpec } from './shapes.ts'

/** Calico sets it on every namespaced endpoint and set. */
export const namespaceLabel = 'projectcalico.org/namespace'
const serviceAccountLabel = 'projectcalico.org/serviceaccount'
/** Felix keeps the labels of an endpoint's namespace and service account on the endpoint under these prefixes. */
export const prefixes = { namespace: 'pcns.', serviceAccount: 'pcsa.' } as const

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
