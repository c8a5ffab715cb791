import { gateName, gatePolicyName, keys, orders, ownLabels, toolNamespace, worldHalves } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { storage, v3 } from '../../calico/resources.ts'
import type { GlobalNetworkPolicy, NetworkSet, Rule } from '../../calico/shapes.ts'
import type { Flavour } from '../facts/facts.ts'
import { policyObject } from './policy-object.ts'
import { gateOf, oneRun } from './selectors.ts'

/**
 * The API group for the gate's set and the open set. Behind the aggregated API both are written as storage objects: kube-controller-manager
 * could else not collect the gate, nor we open the cluster, while Calico's API server is cut off. Where there is only the storage group, so is everything.
 */
export const switchApiVersion = (flavour: Flavour): string => (flavour === 'aggregated' || flavour === 'storage' ? storage : v3)

/**
 * GlobalNetworkPolicy calico-fw-gate-N: on HostEndpoints of run N, a Deny of everything that is left, in force only while the gate's set exists.
 * With `trial`, rules tried before the ones in force: then it stands before those and brings all rules with it.
 */
export const gatePolicy = (change: number, trial?: { readonly rules: readonly Rule[]; readonly order: number }): GlobalNetworkPolicy =>
  policyObject({
    name: gatePolicyName(change),
    role: 'gate',
    order: trial?.order ?? orders.gate(change),
    selector: oneRun(change),
    rules: [...(trial?.rules ?? []), { action: 'Deny', source: gateOf(change) }],
    labels: { [keys.change]: `${change}` },
  })

/**
 * NetworkSet gate-N: all addresses, as halves, since a /0 in a set panics Felix in nftables mode (calico#13477). Without its ownerReference:
 * the Job's uid is known only once the Job exists.
 */
export const gateSet = (change: number, flavour: Flavour): NetworkSet => ({
  apiVersion: switchApiVersion(flavour),
  kind: 'NetworkSet',
  metadata: {
    name: gateName(change),
    namespace: toolNamespace,
    labels: ownLabels({ [keys.gate]: `${change}`, [keys.change]: `${change}` }),
  },
  spec: { nets: [...worldHalves] },
})

/**
 * Job gate-N: the dead man's switch. `parallelism: 0` means no pod is ever made; activeDeadlineSeconds fails the Job, ttlSecondsAfterFinished 0
 * deletes it, and the garbage collector takes the set it owns. `suspend: false` is written out because a suspended Job has no deadline.
 * The template only has to pass validation and admission, restricted pod security included; the image name is reserved to lead nowhere (RFC 2606).
 */
export const gateJob = (change: number, windowSeconds: number): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: gateName(change), namespace: toolNamespace, labels: ownLabels({ [keys.change]: `${change}` }) },
  spec: {
    parallelism: 0,
    completions: 1,
    backoffLimit: 0,
    activeDeadlineSeconds: windowSeconds,
    ttlSecondsAfterFinished: 0,
    suspend: false,
    template: {
      metadata: { labels: ownLabels({ [keys.change]: `${change}` }) },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'never',
            image: 'never-pulled.invalid/gate:0',
            resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } },
            securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  },
})
