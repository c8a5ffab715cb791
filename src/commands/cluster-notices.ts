import type { DetectedCalico } from '../cluster/detect-calico.ts'
import { warnings } from '../cluster/refusals.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { Notice } from '../firewall/plan/plan.ts'

/** How many names one notice tells. */
const most = 5

/** What a reader of a plan must know about the cluster rather than about the firewall. kube-proxy's mode is told by the plan itself. */
export const clusterNotices = (detected: DetectedCalico, { gateWebhooks, duplicates, calico }: Facts): Notice[] => [
  // The facts know kube-proxy's mode, and by it the packet filter of Felix.
  ...warnings({ ...detected, dataplane: calico.dataplane }, 'iptables'),
  ...gateWebhooks
    .filter(({ failurePolicy }) => failurePolicy !== 'Ignore')
    .map(({ name, resources }) =>
      warning(
        `Admission webhook ${name} is asked about ${resources.join(' and ')}, which the gate is made of, and refuses when it does not answer: while it is down the cluster cannot open by itself. Exempt namespace calico-fw from it.`,
      ),
    ),
  ...(duplicates.length === 0
    ? []
    : [
        warning(
          `Felix enforces objects that do not show, or show under another name, in projectcalico.org/v3: ${duplicates
            .slice(0, most)
            .map(({ kind, storage }) => `${kind} ${storage}`)
            .join(
              ', ',
            )}${duplicates.length > most ? ` and ${duplicates.length - most} more` : ''}. See: kubectl get crd -o name | grep crd.projectcalico.org.`,
        ),
      ]),
]

const warning = (text: string): Notice => ({ level: 'warning', text })
