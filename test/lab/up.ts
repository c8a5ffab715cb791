import type { Binaries } from './binaries.ts'
import { startAggregatedApi } from './cluster/aggregated.ts'
import {
  apiReady,
  controlPlaneNodes,
  hasScheduler,
  startApiserver,
  startControllerManager,
  startEtcd,
  startScheduler,
} from './cluster/control-plane.ts'
import { installAdmission, installCrds } from './cluster/crds.ts'
import { felixReady, startTypha } from './cluster/felix.ts'
import { hasKubelet, listensOn } from './cluster/nodes.ts'
import { makePki, writeKubeconfig } from './cluster/pki.ts'
import { announcePod, wirePod } from './cluster/pods.ts'
import { assignVip, calicoObjects, homeServices, placeCalicoNodePods, systemObjects } from './cluster/seed.ts'
import { joinCluster, makeMachine, startDataplane } from './join.ts'
import { type Lab, type LabRecord, labOf, writeRecord } from './lab.ts'
import type { NodeHost } from './layout.ts'
import { layoutOf } from './layout.ts'
import { addAddresses, attach, makeOutside, makeSwitch } from './machine/network.ts'
import { inParallel, until } from './machine/run.ts'
import { createStateDir, type StateDir } from './machine/state.ts'
import type { Variant } from './options.ts'
import { bundlePrograms, startAgent, startForwarder } from './packets/agents.ts'
import { startVipProxy } from './vip.ts'

/** Told of every stage when it is done, with milliseconds since the start. */
export type Progress = (stage: string, ms: number) => void

/** Brings a lab up: a real control plane behind its own node's firewall, real kube-proxies, and real Felixes where there is one. */
export const up = async (
  state: StateDir,
  variant: Variant,
  binaries: Binaries,
  prefix: string,
  progress: Progress = () => undefined,
): Promise<Lab> => {
  const began = performance.now()
  const done = (stage: string) => progress(stage, Math.round(performance.now() - began))
  const record: LabRecord = { variant, layout: layoutOf(variant, prefix), binaries }
  const { layout } = record
  const controlPlanes = controlPlaneNodes(layout)
  const [controlPlane] = controlPlanes
  if (controlPlane === undefined) throw new Error('a cluster needs a node')
  const withFelix = binaries.felix !== undefined && binaries.crds !== undefined
  createStateDir(state)
  writeRecord(state, record)

  await Promise.all([
    makePki(state, layout).then(() => writeKubeconfigs(state, record, controlPlane)),
    bundlePrograms(state),
    makeSwitch(state, layout).then(() => inParallel(2, controlPlanes, (node) => makeMachine(state, layout, node, variant))),
  ])
  const lab = labOf(state, record)
  for (const node of controlPlanes) startEtcd(lab, node)
  for (const node of controlPlanes) startApiserver(lab, node)
  startForwarder(state, 'console', controlPlane.namespace, `unix:${state.at('socket', 'api.sock')}`, `127.0.0.1:${layout.api.port}`)
  await addAddresses(controlPlane, [layout.api.vip, layout.loadBalancer])
  for (const node of controlPlanes) await startVipProxy(lab, node)
  await inParallel(2, layout.nodes.slice(controlPlanes.length), (node) => makeMachine(state, layout, node, variant))
  await makeOutside(state, layout)
  for (const host of layout.neighbours) await attach(state, layout, host)
  await inParallel(2, [...layout.neighbours, layout.stranger], (host) => startAgent(state, host))
  await inParallel(2, layout.nodes, (node) => startDataplane(lab, node))
  await inParallel(2, layout.pods, (pod) => wirePod(lab, lab.node(pod.node), pod))
  done('machines')

  await apiReady(lab.api)
  done('API server')
  const joined = inParallel(4, layout.nodes, (node) => joinCluster(lab, node))
  joined.catch(() => undefined)
  if (binaries.crds !== undefined) {
    await installCrds(lab.api, binaries.crds, variant.flavour)
    if (variant.flavour === 'aggregated') await startAggregatedApi(lab, lab.api, controlPlane)
    done('Calico schemas')
    if (variant.typha === true) startTypha(lab, controlPlane, variant)
  }
  for (const node of controlPlanes) {
    startControllerManager(lab, node, { monitorsNodes: hasKubelet(lab) })
    if (hasScheduler(lab)) startScheduler(lab, node)
  }
  const admission = binaries.crds === undefined ? Promise.resolve() : installAdmission(lab.api, binaries.crds, variant.flavour)
  admission.catch(() => undefined)
  const objects = [
    ...(binaries.crds === undefined ? [] : calicoObjects(layout, variant)),
    ...systemObjects(layout, variant, binaries.crds),
    ...homeServices(layout),
  ]
  for (const object of objects) await lab.api.apply(object)
  await assignVip(lab.api, 'ingress', layout.loadBalancer)
  await joined
  done('nodes')
  await Promise.all([
    ...layout.pods.map((pod) => announcePod(lab.api, lab.node(pod.node), pod)),
    ...(withFelix ? [placeCalicoNodePods(lab.api, layout.nodes, { scheduler: hasScheduler(lab), kubelets: hasKubelet(lab) })] : []),
  ])
  done('pods')
  if (withFelix) {
    await Promise.all(layout.nodes.map((node) => felixReady(lab, node)))
    done('Felix')
    await servicesAnswer(lab)
  }
  await admission
  if (hasKubelet(lab)) await Promise.all(layout.nodes.map((node) => until(`the kubelet of ${node.name}`, () => listensOn(node, 10250))))
  done('up')
  return lab
}

/** Every NodePort of every node and every VIP answers a client on the LAN: kube-proxy and Felix have done their first work. */
const servicesAnswer = async (lab: Lab): Promise<void> => {
  const { layout } = lab
  const nodePorts = layout.nodes.flatMap((node) =>
    [layout.nodePorts.cluster, layout.nodePorts.local].map((port) => ({ protocol: 'tcp' as const, host: node.address, port })),
  )
  const targets = [
    ...nodePorts,
    { protocol: 'tcp' as const, host: layout.loadBalancer, port: 80 },
    { protocol: 'tcp' as const, host: layout.api.vip, port: layout.api.vipPort },
  ]
  await until(
    'every Service to answer from win',
    async () => (await lab.agent('win').probe(targets, 500)).every((answer) => answer === 'OPEN'),
    60_000,
    200,
  )
}

const writeKubeconfigs = (state: StateDir, { layout }: LabRecord, controlPlane: NodeHost): void => {
  // Several API servers are reached by their VIP, by nodes too.
  const vip = `https://${layout.api.vip}:${layout.api.vipPort}`
  const direct = controlPlaneNodes(layout).length > 1 ? vip : `https://${controlPlane.address}:${layout.api.port}`
  const local = `https://127.0.0.1:${layout.api.port}`
  writeKubeconfig(state, 'admin', 'admin', direct)
  writeKubeconfig(state, 'vip', 'admin', vip)
  writeKubeconfig(state, 'local', 'admin', local)
  writeKubeconfig(state, 'controller-manager', 'controller-manager', local)
  writeKubeconfig(state, 'scheduler', 'scheduler', local)
  writeKubeconfig(state, 'calico-local', 'calico', local)
  writeKubeconfig(state, 'calico', 'calico', direct)
  writeKubeconfig(state, 'kube-proxy', 'kube-proxy', direct)
  for (const node of layout.nodes) writeKubeconfig(state, `kubelet-${node.name}`, `kubelet-${node.name}`, direct)
}
