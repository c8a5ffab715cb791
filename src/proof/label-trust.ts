import { entitySelector, namespaceLabel } from '../calico/endpoint-selectors.ts'
import { matches, matchesPartly, type Selector, unlessBadSelector } from '../calico/selector.ts'
import type { EntityRule, GlobalNetworkPolicy, Rule } from '../calico/shapes.ts'

/** No namespace is called so: names of namespaces hold no spaces. */
const tenants = { value: 'the namespace of some tenant' }

/**
 * Whether a tenant who may write NetworkSets in a namespace of theirs can make one that this side of a rule selects. They choose every label,
 * the `pcns.` ones that stand for a namespace's included; only `projectcalico.org/namespace` is Calico's own.
 * @throws FwError FW_BAD_SELECTOR
 */
export const isForgeable = (side: EntityRule): boolean => {
  const selector = entitySelector(side)
  if (selector === undefined) return false
  return matchesPartly(selector, (label) => (label === namespaceLabel ? tenants : undefined)) !== false
}

/** What is wrong with how a policy knows whom it lets in, for HostEndpoints with these labels. Empty: nothing. */
export const labelTrust = ({ spec }: GlobalNetworkPolicy, endpoint: Readonly<Record<string, string>>): string[] => {
  if (!spec.preDNAT) return []
  const rules = (spec.ingress ?? []).map((rule, index) => ({ rule, index })).filter(({ rule }) => letsIn(rule))
  const byEndpoint = rules.find(({ rule }) => selects(rule.source ?? {}, endpoint))
  const byLabel = rules.find(({ rule }) => unlessBadSelector(() => isForgeable(rule.source ?? {})) === true)
  const denies = spec.ingress?.some(({ action }) => action === 'Deny') === true
  return [
    ...(byEndpoint === undefined || !denies
      ? []
      : [
          `rule ingress[${byEndpoint.index}] knows nodes by the labels of their HostEndpoints, so that in the middle of a rollout nodes that have none are cut off from those that have`,
        ]),
    ...(byLabel === undefined
      ? []
      : [
          `rule ingress[${byLabel.index}] lets in whoever carries a label (${byLabel.rule.source?.selector ?? byLabel.rule.source?.namespaceSelector}): a NetworkSet of any tenant can carry it and open the nodes to the world`,
        ]),
  ]
}

const letsIn = ({ action }: Rule): boolean => action === 'Allow' || action === 'Pass'

const selects = (side: EntityRule, labels: Readonly<Record<string, string>>): boolean => {
  const selector = unlessBadSelector((): Selector | undefined => entitySelector(side))
  return selector !== undefined && matches(selector, labels)
}
