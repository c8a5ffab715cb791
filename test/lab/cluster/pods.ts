import type { NodeHost, PodHost } from '../layout.ts'
import { attachPod } from '../machine/network.ts'
import { until } from '../machine/run.ts'
import { agentOf, startAgent } from '../packets/agents.ts'
import type { LabApi } from './api.ts'
import type { ClusterContext } from './control-plane.ts'
import { runningStatus } from './seed.ts'

/** Makes the pod's namespace and wire, with an agent that serves port 80 in it. Needs no API. */
export const wirePod = async ({ state }: ClusterContext, node: NodeHost, pod: PodHost): Promise<void> => {
  await attachPod(state, node, pod)
  await startAgent(state, pod)
  const agent = agentOf(state, pod.name)
  await Promise.all([agent.listen('tcp', 80), agent.listen('udp', 53), ...(pod.address6 === undefined ? [] : [agent.listen('tcp', 80, '::')])])
}

/** Makes the Pod object, already on its node and running: there is no scheduler, and kubelets leave pods with a network of their own to us. */
export const announcePod = async (api: LabApi, node: NodeHost, pod: PodHost): Promise<void> => {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: pod.podNamespace, name: pod.name }
  const container = { name: 'app', image: 'lab', ports: [{ containerPort: 80 }] }
  // Admission wants the namespace's default ServiceAccount, which kube-controller-manager makes.
  await until(`the ServiceAccount of ${pod.podNamespace}`, () =>
    api.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: pod.podNamespace, name: 'default' }),
  )
  await api.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.podNamespace, labels: pod.labels },
    spec: { nodeName: node.fqdn, automountServiceAccountToken: false, containers: [container] },
  })
  await api.patch(ref, { status: runningStatus(pod.address, container.name, pod.address6) }, 'status')
}
