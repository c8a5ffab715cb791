import { toolWrites } from '../cluster/audit.ts'
import { hasScheduler } from '../cluster/control-plane.ts'
import { felixReady } from '../cluster/felix.ts'
import { hasKubelet } from '../cluster/nodes.ts'
import { calicoNamespace, placeCalicoNodePods } from '../cluster/seed.ts'
import { snapshot } from '../cluster/snapshot.ts'
import { announcePodsOf, plugInNext } from '../grow.ts'
import { joinCluster } from '../join.ts'
import type { Lab } from '../lab.ts'
import type { NodeHost } from '../layout.ts'
import { until } from '../machine/run.ts'
import { type LifeLine, renderTimeline, watchLifeLines } from '../packets/life-lines.ts'
import { homePackets, observe, renderTable, send } from '../packets/table.ts'
import { runTool, withSeconds } from '../tool.ts'
import { closedAnswer, inBrief, isOutsider, mismatches } from './home-answers.ts'
import { initHome } from './home-init.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'
import { proveReplaced, proveSync } from './synced.ts'
import { proveAllOpen, rollBack } from './undone.ts'

const boundMs = 2_000

/**
 * A machine becomes a node of a closed cluster while no client runs: its neighbours let it in within two seconds of its calico-node pod's address, and
 * `sync` closes it; then another machine takes its name.
 */
export const proveJoin = async (lab: Lab, page: Page): Promise<void> => {
  await initHome(lab)
  const kept = Date.now()
  const { lab: wider, node } = await keepingLines(lab, page, { everyMs: 500, inFull: false }, async () => {
    const grown = await plugInNext(lab.state)
    await proveLetIn(grown.lab, grown.node, lab.layout.nodes, page)
    return grown
  })
  await felixReady(wider, node)
  await announcePodsOf(wider, node)
  await proveTable(wider, node, page)
  const writes = toolWrites(lab.state, kept)
  page.fact('no client ran meanwhile', writes.length === 0, `${writes.length} writes of the product since init ended`)
  const status = await runTool(wider, ['status'])
  page.say(`\nWhat status says of the node that joined (exit ${status.code}):\n${withSeconds(status)}\n`)
  await proveSync(wider, node, page)
  const last = await proveReplaced(wider, node.name, page)
  const { end } = await rollBack(last)
  page.fact('rollback --to 0 --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  const ours = [...(await snapshot(last.api))].filter(([, body]) => body.includes('calico-fw')).map(([key]) => key)
  page.fact('none of our objects is left', ours.length === 0, inBrief(ours))
  await proveAllOpen(last, page)
  last.api.close()
  wider.api.close()
}

const proveLetIn = async (lab: Lab, node: NodeHost, neighbours: readonly NodeHost[], page: Page): Promise<void> => {
  const { nodePorts, api } = lab.layout
  const lines: LifeLine[] = neighbours.flatMap(({ address: host }) =>
    [10250, 9100, nodePorts.cluster].map((port) => ({ from: node.name, target: { protocol: 'tcp', host, port } })),
  )
  const packets = lines.map(({ from, target }) => ({ from, target }))
  const shut = mismatches(await send(lab, packets), () => 'TIMEOUT')
  page.fact(
    `${node.name} on the wire, not yet a node: TIMEOUT at its neighbours`,
    shut.length === 0,
    `${packets.length} packets${shut.length === 0 ? '' : `; ${inBrief(shut)}`}`,
  )
  const control = neighbours.filter(({ controlPlane }) => controlPlane)
  const toApi = await send(
    lab,
    control.map(({ address: host }) => ({ from: node.name, target: { protocol: 'tcp', host, port: api.port } })),
  )
  page.fact(
    'it reaches the API server, by failsafe: else it could never register',
    toApi.every(({ answer }) => answer === 'OPEN'),
  )
  const watching = await watchLifeLines(lab, lines, { everyMs: 100, timeoutMs: 900 })
  await joinCluster(lab, node)
  const bound = hasScheduler(lab) ? undefined : placeCalicoNodePods(lab.api, lab.layout.nodes, { scheduler: false, kubelets: hasKubelet(lab) })
  const pod = await calicoNodePod(lab, node)
  await until(`${node.name} to be let in`, async () => (await send(lab, packets, 300)).every(({ answer }) => answer === 'OPEN'), 20_000, 50)
  await bound
  const timeline = await watching.stop()
  const openFrom = Math.max(...timeline.cuts.map(({ to }) => to ?? Number.POSITIVE_INFINITY))
  page.fact(
    `its neighbours accept it within ${seconds(boundMs)} of its calico-node pod's address`,
    openFrom - pod.at <= boundMs,
    `${lines.length} lines open ${((openFrom - pod.at) / 1000).toFixed(2)} s after the address was seen (pod ${pod.phase}, ${pod.ready ? 'ready' : 'not ready'})`,
  )
  if (!Number.isFinite(openFrom)) page.say(renderTimeline(timeline))
}

interface PodStatus {
  readonly phase?: string
  readonly podIP?: string
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}

/** The moment the node's calico-node pod has its address. */
const calicoNodePod = async ({ api }: Lab, node: NodeHost): Promise<{ at: number; phase: string; ready: boolean }> => {
  const path = `/api/v1/namespaces/${calicoNamespace}/pods?fieldSelector=spec.nodeName%3D${node.fqdn}`
  const { answer } = await until(
    `the calico-node pod of ${node.name}`,
    async () => {
      const { items } = (await api.request('GET', path)).body as { items: { status?: PodStatus }[] }
      return items.find(({ status }) => status?.podIP === node.address)?.status
    },
    60_000,
    10,
  )
  const ready = answer.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  return { at: Date.now(), phase: answer.phase ?? 'unknown', ready }
}

/** The new node has no HostEndpoint yet: it is open to all, and that is said. */
const proveTable = async (lab: Lab, node: NodeHost, page: Page): Promise<void> => {
  const seen = await observe(lab, homePackets(lab.layout))
  const wrong = mismatches(seen, (packet) => (packet.target.host === node.address ? 'OPEN' : closedAnswer(lab.layout, packet)))
  page.fact(
    'nodes and pods, the new ones too, reach everything; the nodes closed before are closed to outsiders as before',
    wrong.length === 0,
    inBrief(wrong) || `${seen.length} packets`,
  )
  const open = seen.filter(({ from, target, answer }) => isOutsider(from) && target.host === node.address && answer === 'OPEN').length
  page.say(`     ${node.name} itself has no HostEndpoint yet: ${open} of its ports answer outsiders`)
  page.say(renderTable(seen))
}
