import { type Check, error, warning } from './check.ts'

/** What could keep the cluster from opening by itself. */
export const gateChecks: readonly Check[] = [
  {
    id: 'FW-D901',
    category: 'gate',
    title: 'no webhook can refuse what opens the cluster',
    look: ({ gateWebhooks }) =>
      gateWebhooks.map(({ name, resources, failurePolicy }) =>
        failurePolicy === 'Fail'
          ? error(
              `webhook ${name} is asked about ${resources.join(' and ')} of namespace calico-fw and fails closed: with its backend dead nothing opens by itself`,
              `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations ${name.split('/')[0]} -o yaml   # then exempt namespace calico-fw`,
            )
          : warning(
              `webhook ${name} is asked about ${resources.join(' and ')} of namespace calico-fw: each write waits for it`,
              `exempt calico-fw in the namespaceSelector of ${name.split('/')[0]}`,
            ),
      ),
  },
  {
    id: 'FW-D902',
    category: 'gate',
    title: 'webhooks could be looked at',
    look: ({ unseen }) =>
      unseen
        .filter(({ kind }) => kind === 'webhooks')
        .map(({ what, why }) => warning(`${what}: ${why}`, 'kubectl auth can-i list validatingwebhookconfigurations')),
  },
]
