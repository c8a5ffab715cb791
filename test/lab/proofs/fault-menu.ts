import { apiReady, controlPlaneNodes, startApiserver, startControllerManager } from '../cluster/control-plane.ts'
import { felixPid, signalFelix } from '../cluster/felix.ts'
import { hasKubelet } from '../cluster/nodes.ts'
import type { Lab } from '../lab.ts'
import { freeze, kill, unplug } from '../machine/failures.ts'
import { isAlive } from '../machine/processes.ts'
import { pause, until } from '../machine/run.ts'
import type { ToolRun } from '../tool.ts'

/** One way a run can be hit, at a moment somebody else chooses. */
export interface Fault {
  readonly name: string
  /** How often among the others. */
  readonly share: number
  /** The client is gone, asleep or cut off for good: the cluster is on its own from this moment. Else the client goes on and ends by itself. */
  readonly alone: boolean
  /** The only flavour of Calico that has what is hit. */
  readonly only?: Lab['variant']['flavour']
  /** Strikes; what it answers heals it again, once the cluster had its time. */
  strike(lab: Lab, run: ToolRun): Promise<() => Promise<void>>
}

const nothing = async (): Promise<void> => undefined

const signal = (name: NodeJS.Signals, share: number, alone: boolean): Fault => ({
  name,
  ...{ share, alone },
  strike: async (_lab, run) => {
    run.signal(name)
    return nothing
  },
})

/** Frozen for a while; the client has to live with it. */
const frozen = (role: string, ms: number, share: number, only?: Fault['only']): Fault => ({
  name: `${role} frozen for ${ms / 1000} s`,
  ...{ share, alone: false, ...(only === undefined ? {} : { only }) },
  strike: async (lab) => {
    const thaw = await freeze(lab, role)
    await pause(ms)
    await thaw()
    return nothing
  },
})

/** The killed one's port may outlive its process by a moment: whoever finds it taken ends at once, and is started again. */
const untilServed = async (lab: Lab, start: () => void): Promise<void> => {
  for (let attempt = 0; attempt < 10; attempt++) {
    start()
    const isServed = async () => (await lab.api.request('GET', '/readyz', undefined, undefined, 2_000).catch(() => ({ status: 0 }))).status === 200
    const { answer } = await until(
      'the API server',
      async () => (isAlive(lab.process('kube-apiserver')) ? (await isServed()) && 'served' : 'ended'),
      90_000,
    )
    if (answer === 'served') return
    await pause(500)
  }
}

/** Everything the random runs are hit with. */
export const faultMenu: readonly Fault[] = [
  signal('SIGKILL', 40, true),
  signal('SIGTERM', 8, false),
  signal('SIGHUP', 6, false),
  {
    ...{ name: 'client asleep across its deadline, then awake', share: 12, alone: true },
    strike: async (_lab, run) => {
      run.signal('SIGSTOP')
      return async () => {
        run.signal('SIGCONT')
        await run.ended
      }
    },
  },
  {
    ...{ name: 'operator cut off for good', share: 8, alone: true },
    strike: async (lab, run) => {
      const plug = await unplug(lab, 'adm')
      return async () => {
        await plug()
        await run.ended
      }
    },
  },
  {
    ...{ name: 'operator cut off for 5 s', share: 4, alone: false },
    strike: async (lab) => {
      const plug = await unplug(lab, 'adm')
      await pause(5_000)
      await plug()
      return nothing
    },
  },
  frozen('kube-controller-manager', 4_000, 4),
  frozen('kube-apiserver', 4_000, 4),
  frozen('calico-apiserver', 6_000, 6, 'aggregated'),
  {
    ...{ name: 'kube-controller-manager killed, and started again', share: 4, alone: false },
    strike: async (lab) => {
      await kill(lab, 'kube-controller-manager')
      for (const node of controlPlaneNodes(lab.layout)) startControllerManager(lab, node, { monitorsNodes: hasKubelet(lab) })
      return nothing
    },
  },
  {
    ...{ name: 'kube-apiserver killed, and started again', share: 4, alone: false },
    strike: async (lab) => {
      await kill(lab, 'kube-apiserver')
      for (const node of controlPlaneNodes(lab.layout)) await untilServed(lab, () => startApiserver(lab, node))
      await apiReady(lab.api)
      return nothing
    },
  },
  {
    ...{ name: 'Felix on ws2 killed', share: 4, alone: false },
    strike: async (lab) => {
      const pid = felixPid(lab.process('felix-ws2'))
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      return nothing
    },
  },
  {
    ...{ name: 'Felix on ws1 frozen for 8 s', share: 4, alone: false },
    strike: async (lab) => {
      signalFelix(lab.process('felix-ws1'), 'SIGSTOP')
      await pause(8_000)
      signalFelix(lab.process('felix-ws1'), 'SIGCONT')
      return nothing
    },
  },
]
