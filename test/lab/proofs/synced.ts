import { felixReady } from '../cluster/felix.ts'
import { announcePodsOf } from '../grow.ts'
import type { Lab } from '../lab.ts'
import type { NodeHost } from '../layout.ts'
import { until } from '../machine/run.ts'
import { lengthOf } from '../packets/cuts.ts'
import { allLifeLines, watchLifeLines } from '../packets/life-lines.ts'
import { homePackets, observe, send } from '../packets/table.ts'
import { powerOff, powerOn, readdress } from '../power.ts'
import { runTool, withSeconds } from '../tool.ts'
import { closedAnswer, inBrief, isOutsider, mismatches } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'

const boundMs = 2_000

/** `sync` closes a node that joined, while every line that must never be cut is under watch. */
export const proveSync = async (lab: Lab, node: NodeHost, page: Page): Promise<void> => {
  const end = await keepingLines(lab, page, { everyMs: 200, inFull: false }, () => runTool(lab, ['sync', '--yes']))
  page.fact('sync --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  if (end.code !== 0) page.say(withSeconds(end))
  await proveClosed(lab, node, page)
}

/** A worker comes back as another machine: the same name, another address, no rule of its former life. */
export const proveReplaced = async (lab: Lab, name: string, page: Page): Promise<Lab> => {
  const { fqdn, address } = lab.node(name)
  page.say(`\n${name} is taken away, and a machine with its name and another address comes`)
  await powerOff(lab, name)
  await lab.api.request('DELETE', `/api/v1/nodes/${fqdn}`)
  const moved = await readdress(lab, name, address.replace(/\d+$/, '178'))
  const node = moved.node(name)
  const between = allLifeLines(moved).filter(({ from, target }) => from === name || target.host === node.address)
  await powerOn(moved, name)
  await felixReady(moved, node)
  await announcePodsOf(moved, node).catch(() => undefined)
  // From the moment it is a node of the cluster: what its neighbours learn of its address, they learn from its calico-node pod.
  await until(
    `${name} to be let in`,
    async () =>
      (
        await send(
          moved,
          between.map(({ from, target }) => ({ from, target })),
          300,
        )
      ).every(({ answer }) => answer === 'OPEN'),
    30_000,
    50,
  )
  const watching = await watchLifeLines(moved, between, { everyMs: 100, timeoutMs: 900 })
  const end = await runTool(moved, ['sync', '--yes'])
  const timeline = await watching.stop()
  const longest = Math.max(0, ...timeline.cuts.map((cut) => lengthOf(cut, timeline.ended)))
  page.fact(
    `no line between it and the others is cut for more than ${seconds(boundMs)}, from when it is let in to the end of sync`,
    longest <= boundMs,
    `${between.length} lines, ${timeline.samples.length} fresh connections, ${timeline.cuts.length} cuts, the longest ${seconds(longest)}`,
  )
  page.fact('sync --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  if (end.code !== 0) page.say(withSeconds(end))
  await proveClosed(moved, node, page)
  const endpoint = await moved.api.request('GET', '/apis/projectcalico.org/v3/hostendpoints')
  const stale = JSON.stringify(endpoint.body).includes(`"${address}"`)
  page.fact('no HostEndpoint names the old address any more', !stale)
  return moved
}

/** Every node is closed to outsiders, the new one too, and status has nothing to say against it. */
const proveClosed = async (lab: Lab, node: NodeHost, page: Page): Promise<void> => {
  const seen = await observe(lab, homePackets(lab.layout))
  const wrong = mismatches(seen, (packet) => closedAnswer(lab.layout, packet))
  const shut = seen.filter(({ from, target, answer }) => isOutsider(from) && target.host === node.address && answer === 'TIMEOUT').length
  page.fact(
    `${node.name} is closed to outsiders like the others, and nodes and pods reach everything`,
    wrong.length === 0 && shut > 0,
    inBrief(wrong) || `${seen.length} packets, ${shut} of them shut out at ${node.name}`,
  )
  const status = await runTool(lab, ['status'])
  page.fact('status exits 0', status.code === 0, status.code === 0 ? '' : withSeconds(status))
}
