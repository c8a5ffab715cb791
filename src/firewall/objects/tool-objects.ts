import { names, ownLabels, toolNamespace } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { Facts } from '../facts/facts.ts'

/** Namespace calico-fw: the gate, the lock, the HostFirewall and the checkpoints. */
export const toolNamespaceObject = (): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: toolNamespace, labels: ownLabels() },
})

/**
 * Service calico-fw-nodes: headless over calico-node's pods, which use the host's network, so its EndpointSlices are the nodes' primary
 * addresses and kube-controller-manager keeps them. Not-ready ones too: a node that joins needs its neighbours before calico-node is ready.
 * Both families where the cluster has both. As a rule's source Felix takes a Service's addresses alone, and as a destination its ports too: with `kubelets` those of
 * the kubelets, which the API server dials on a node that joins.
 */
export const nodesService = ({ namespace, nodePodLabels }: Facts['calico'], kubelets: readonly number[] = []): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: names.nodesService, namespace, labels: ownLabels() },
  spec: {
    clusterIP: 'None',
    ipFamilyPolicy: 'PreferDualStack',
    publishNotReadyAddresses: true,
    selector: Object.fromEntries(Object.entries(nodePodLabels).sort(([one], [other]) => (one < other ? -1 : 1))),
    ports: [{ name: 'health', protocol: 'TCP', port: 9099 }, ...kubelets.map((port) => ({ name: `kubelet-${port}`, protocol: 'TCP', port }))],
  },
})
