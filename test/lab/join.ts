import type { ClusterContext } from './cluster/control-plane.ts'
import { startFelix } from './cluster/felix.ts'
import { admitNode, hasKubelet, hintBackend, seedNode, startKubelet, startKubeProxy } from './cluster/nodes.ts'
import { backendOf, type Lab } from './lab.ts'
import type { Layout, NodeHost } from './layout.ts'
import { attachNode, routePods } from './machine/network.ts'
import { startSandbox } from './machine/sandbox.ts'
import type { StateDir } from './machine/state.ts'
import type { Variant } from './options.ts'
import { agentOf, startAgent } from './packets/agents.ts'

/** Plugs a node's machine into the switch and gives it its sandbox; nothing of Kubernetes runs there yet. */
export const makeMachine = async (state: StateDir, layout: Layout, node: NodeHost, variant: Variant): Promise<void> => {
  await attachNode(state, layout, node)
  await routePods(node, layout.nodes)
  await hintBackend(await startSandbox(state, node.name, node.namespace, node.name, backendOf(variant)))
}

/** The node's agent, with a listener on every port that a test asks for and nobody else serves. */
export const startDataplane = async (context: ClusterContext, node: NodeHost): Promise<void> => {
  await startAgent(context.state, node)
  const agent = agentOf(context.state, node.name)
  const ports = [...context.layout.listeners, ...(hasKubelet(context) ? [] : [10250])]
  const families = node.address6 === undefined ? ['0.0.0.0'] : ['0.0.0.0', '::']
  await Promise.all(families.flatMap((any) => [...ports.map((port) => agent.listen('tcp', port, any)), agent.listen('udp', 9100, any)]))
}

/** Makes a machine a node: kubelet, kube-proxy, and Felix where there is one. */
export const joinCluster = async (lab: Lab, node: NodeHost): Promise<void> => {
  const sandbox = lab.sandbox(node.name)
  if (hasKubelet(lab)) startKubelet(lab, node, sandbox)
  else await seedNode(lab.api, node)
  startKubeProxy(lab, node, sandbox, lab.variant.proxy)
  if (lab.binaries.crds !== undefined) startFelix(lab, node, sandbox, lab.variant)
  await admitNode(lab.api, node)
}
