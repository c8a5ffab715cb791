import { ownLabels, toolNamespace } from '../calico/names.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { matchesLabels } from '../firewall/file/label-selector.ts'
import type { WebhookConfigurationObject } from './kube-objects.ts'

const calicoGroups = ['projectcalico.org', 'crd.projectcalico.org']
/** What opens the cluster: the gate's Job and NetworkSet, and the open set. A webhook that refuses their deletion or change keeps it closed. */
const switches = [
  { plural: 'jobs', groups: ['batch'], namespaced: true },
  { plural: 'networksets', groups: calicoGroups, namespaced: true },
  { plural: 'globalnetworksets', groups: calicoGroups, namespaced: false },
]

/**
 * Webhooks whose rules match a switch of ours. Labels of our namespace decide where a webhook selects namespaces; objectSelectors and CEL
 * matchConditions are not evaluated and count as matching. `jobs/status` counts: the deadline is enforced by writing it.
 */
export const gateWebhooksOf = (
  configurations: readonly WebhookConfigurationObject[],
  namespaceLabels: Readonly<Record<string, string>> = ownLabels({ 'kubernetes.io/metadata.name': toolNamespace }),
): Facts['gateWebhooks'] =>
  configurations.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.flatMap(({ name, failurePolicy = 'Fail', rules = [], namespaceSelector = {} }) => {
      const reachesUs = matchesLabels(namespaceSelector, namespaceLabels)
      const resources = switches
        .filter(({ namespaced }) => reachesUs || !namespaced)
        .filter(({ plural, groups }) =>
          rules.some((rule) => names(rule.apiGroups, groups) && names(rule.resources?.map(withoutSubresource), [plural])),
        )
        .map(({ plural }) => plural)
      return resources.length === 0 ? [] : [{ name: `${metadata.name}/${name}`, resources, failurePolicy }]
    }),
  )

const names = (patterns: readonly string[] = [], wanted: readonly string[]): boolean =>
  patterns.some((pattern) => pattern === '*' || wanted.includes(pattern))

const withoutSubresource = (pattern: string): string => pattern.replace(/\/.*$/, '')
