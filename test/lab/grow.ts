import { hasScheduler } from './cluster/control-plane.ts'
import { felixReady } from './cluster/felix.ts'
import { hasKubelet } from './cluster/nodes.ts'
import { kubeletLeaf, makeLeaf, writeKubeconfig } from './cluster/pki.ts'
import { announcePod, wirePod } from './cluster/pods.ts'
import { placeCalicoNodePods } from './cluster/seed.ts'
import { joinCluster, makeMachine, startDataplane } from './join.ts'
import { type Lab, labOf, openLab, writeRecord } from './lab.ts'
import { layoutOf, type NodeHost } from './layout.ts'
import { routePods } from './machine/network.ts'
import { inParallel } from './machine/run.ts'
import type { StateDir } from './machine/state.ts'

/**
 * Sets up the home cluster's next machine beside a running lab: cabled, routed, with its certificates and listeners, and a pod's wire. Nothing of
 * Kubernetes runs there yet: `joinCluster` makes it a node.
 * @throws Error where another machine would be next
 */
export const plugInNext = async (state: StateDir, name?: string): Promise<{ readonly lab: Lab; readonly node: NodeHost }> => {
  const { variant, layout, binaries } = openLab(state)
  const wider = { ...variant, nodes: variant.nodes + 1 }
  const grown = layoutOf(wider, layout.switch.slice(0, -'sw'.length))
  const node = grown.nodes[variant.nodes]
  if (node === undefined) throw new Error(`the home cluster has ${variant.nodes} machines, and all are nodes already`)
  if (name !== undefined && name !== node.name) throw new Error(`the next machine is ${node.name}, not ${name}`)
  const record = { variant: wider, layout: grown, binaries }
  writeRecord(state, record)
  const lab = labOf(state, record)
  await makeLeaf(state, kubeletLeaf(node))
  const controlPlane = grown.nodes.find((one) => one.controlPlane)
  writeKubeconfig(state, `kubelet-${node.name}`, `kubelet-${node.name}`, `https://${controlPlane?.address}:${grown.api.port}`)
  await makeMachine(state, grown, node, wider)
  await inParallel(
    4,
    grown.nodes.filter((one) => one.name !== node.name),
    (one) => routePods(one, grown.nodes),
  )
  await startDataplane(lab, node)
  for (const pod of grown.pods.filter((one) => one.node === node.name)) await wirePod(lab, node, pod)
  return { lab, node }
}

/** Lets a machine that is plugged in join the cluster, to the end: calico-node placed, Felix ready, its pods announced. */
export const becomeNode = async (lab: Lab, node: NodeHost): Promise<void> => {
  await joinCluster(lab, node)
  const withFelix = lab.binaries.felix !== undefined && lab.binaries.crds !== undefined
  if (withFelix) await placeCalicoNodePods(lab.api, lab.layout.nodes, { scheduler: hasScheduler(lab), kubelets: hasKubelet(lab) })
  await announcePodsOf(lab, node)
  if (withFelix) await felixReady(lab, node)
}

/** Makes the Pod objects of a node that has joined. */
export const announcePodsOf = async (lab: Lab, node: NodeHost): Promise<void> => {
  for (const pod of lab.layout.pods.filter((one) => one.node === node.name)) await announcePod(lab.api, node, pod)
}
