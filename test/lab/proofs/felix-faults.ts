import { toolWrites } from '../cluster/audit.ts'
import { felixPid, felixReady, signalFelix } from '../cluster/felix.ts'
import type { Lab } from '../lab.ts'
import { cutPort } from '../machine/failures.ts'
import { pause } from '../machine/run.ts'
import { startTool, tail } from '../tool.ts'
import { type Page, seconds } from './page.ts'
import { proveAllOpen } from './undone.ts'

/** From the fault until the product names the Felix. */
const namedMs = 10_000
const node = 'ws2'

/** What befalls the Felix of one node; what is returned mends it. */
interface FelixFault {
  readonly story: string
  readonly says: RegExp
  readonly befall: (lab: Lab) => Promise<() => Promise<void>>
}

const stopped: FelixFault = {
  story: 'stopped by a signal: its rules stay, nothing arrives',
  says: /Felix on ws2\S* .*stopped/,
  befall: async (lab) => {
    signalFelix(lab.process(`felix-${node}`), 'SIGSTOP')
    return async () => void signalFelix(lab.process(`felix-${node}`), 'SIGCONT')
  },
}

const crashing: FelixFault = {
  story: 'ending again and again, as soon as it has started',
  says: /Felix on ws2\S* ends as soon as it has started/,
  befall: async (lab) => {
    const supervisor = lab.process(`felix-${node}`)
    let on = true
    const killing = (async () => {
      while (on) {
        const pid = felixPid(supervisor)
        if (pid !== undefined) signalFelix(supervisor, 'SIGKILL')
        await pause(100)
      }
    })()
    return async () => {
      on = false
      await killing
    }
  },
}

const cutOff: FelixFault = {
  story: 'cut off from the API server, with everything else on its node',
  // The watch over the nodes' own ways may be first: it tells the node and the way that is lost.
  says: /Felix on ws2\S* cannot reach the API|ws2\S* to .*API.* is silent now/,
  befall: async (lab) => {
    const { layout } = lab
    const api = layout.nodes.find(({ controlPlane }) => controlPlane)
    return cutPort(lab, lab.node(node).address, api?.address ?? '', layout.api.port)
  },
}

/** All of them. */
export const felixFaults: readonly FelixFault[] = [stopped, crashing, cutOff]

/** While ws1 alone is closed the Felix of ws2 stops doing its work: the product names it, stops, and closes nothing more. */
export const proveFelixFaults = async (lab: Lab, page: Page, faults: readonly FelixFault[]): Promise<void> => {
  for (const { story, says, befall } of faults) {
    page.say(`\n== Felix of ${node}, ${story}`)
    const run = startTool(lab, ['init', '-f', 'examples/home.yaml', '--yes'])
    await run.seen('probe with worker ws1')
    const at = Date.now()
    const heal = await befall(lab)
    try {
      const end = await run.ended
      const named = end.lines.find((line) => line.at >= at && says.test(line.text))
      page.fact(
        `named within ${seconds(namedMs)}`,
        named !== undefined && named.at - at <= namedMs,
        named === undefined ? `never:\n${tail(end.lines)}` : `${seconds(named.at - at)}: ${named.text.trim()}`,
      )
      page.fact('the run stops and takes the change back, exit 4 or 5', end.code === 4 || end.code === 5, `exit ${end.code}`)
      const closed = toolWrites(lab.state, at).filter(({ resource, verb, name = '' }) => {
        return resource === 'hostendpoints' && verb !== 'delete' && verb !== 'deletecollection' && !name.startsWith('ws1')
      })
      const after = closed.filter((write) => named === undefined || write.at > named.at)
      page.fact(
        'nothing more is closed once it is named',
        after.length === 0,
        `${closed.length} HostEndpoints written after the fault, ${after.length} after it was named`,
      )
    } finally {
      await heal()
    }
    await felixReady(lab, lab.node(node))
    await proveAllOpen(lab, page)
  }
}
