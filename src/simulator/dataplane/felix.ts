import type { ControlPlane } from '../api/control-plane.ts'
import type { Barrier } from '../barrier.ts'
import { createBarrier } from '../barrier.ts'
import { createBell, slept } from '../bell.ts'
import { sameJson } from '../json.ts'
import { configHealth, failsafesFor, type NodeFailsafes } from './felix-config.ts'
import type { Link } from './link.ts'
import { isFelixTable, type Snapshot, takeSnapshot } from './snapshot.ts'

/** What one node's Felix is doing. `stuck` and `crash-looping` come from failsafe entries it cannot take. */
type FelixState = 'running' | 'restarting' | 'stuck' | 'crash-looping' | 'frozen' | 'dead'

/** One node's Felix, as a test or the demo handles it. */
export interface FelixHandle {
  state(): FelixState
  /** Stops it where it stands: what is programmed stays. */
  freeze(): void
  thaw(): void
  /** Ends it for good; rules stay, until {@link start}. */
  kill(): void
  start(): void
  /** Milliseconds between a change and its rules. */
  setLag(ms: number): void
}

/** What a node enforces at this moment. */
export interface Programmed {
  readonly snapshot: Snapshot
  readonly failsafes: NodeFailsafes
}

/** How long Felix's own doings take, in milliseconds. */
export interface FelixTimes {
  readonly lagMs: number
  /** From a failsafe change to enforcing again: an exit delayed by 2 s, a start, a first resync (measured: about 8 s in all). */
  readonly restartMs: number
  /** From a mended entry to enforcing again (measured: 4 s). */
  readonly recoverMs: number
}

/** What a Felix needs of the cluster. */
export interface FelixSurroundings extends FelixTimes {
  readonly plane: ControlPlane
  readonly node: string
  readonly link: Link
  readonly api: Barrier
  readonly signal: AbortSignal
  readonly onBug: (error: unknown) => void
  /** Told when its readiness changes, and how often it has restarted since. */
  readonly onReady: (ready: boolean, restarts: number) => void
}

/** A running Felix that has programmed the present state. */
export const createFelix = (around: FelixSurroundings): FelixHandle & { programmed(): Programmed } => {
  const { plane, node, link, api, signal } = around
  const labels = () => plane.store.get('nodes', undefined, node)?.metadata.labels ?? {}
  const failsafes = (snapshot: Snapshot): NodeFailsafes => failsafesFor(snapshot.felixConfigurations, node, labels())
  const first = takeSnapshot(plane)
  let programmed: Programmed = { snapshot: first, failsafes: failsafes(first) }
  let state: Exclude<FelixState, 'frozen'> = 'running'
  let lagMs = around.lagMs
  let restarts = 0
  const frozen = createBarrier()
  const dead = createBarrier()
  const bell = createBell(plane.clock)
  const end = plane.store.subscribe(({ resource }) => {
    if (isFelixTable(resource)) bell.ring()
  })
  signal.addEventListener('abort', end, { once: true })

  const become = (next: typeof state): void => {
    if (state !== next && (state === 'running') !== (next === 'running')) around.onReady(next === 'running', restarts)
    state = next
  }
  const program = (): void => {
    const snapshot = takeSnapshot(plane)
    programmed = { snapshot, failsafes: failsafes(snapshot) }
  }
  /** A new process must reach the API again, through the rules the old one left. */
  const restart = async (ms: number): Promise<boolean> => {
    restarts++
    become('restarting')
    link.drop()
    if (!(await slept(plane.clock, ms, signal))) return false
    await link.whenConnected()
    return !signal.aborted
  }
  /** False, and in the state that follows, while the failsafes in the store are none Felix can take. */
  const healthy = (): boolean => {
    const health = configHealth(failsafes(takeSnapshot(plane)))
    if (health !== 'good') become(health === 'panic' ? 'crash-looping' : 'stuck')
    return health === 'good'
  }
  const turn = async (): Promise<void> => {
    if (!healthy()) return
    const changed = !sameJson(failsafes(takeSnapshot(plane)), programmed.failsafes)
    if (state !== 'running' && !(await slept(plane.clock, around.recoverMs, signal))) return
    if (state === 'running' && changed && !(await restart(around.restartMs))) return
    if (!healthy()) return
    program()
    become('running')
  }
  const run = async (): Promise<void> => {
    while (await bell.wait(undefined, signal)) {
      if (!(await slept(plane.clock, lagMs, signal))) return
      await frozen.passed()
      await dead.passed()
      await link.whenConnected()
      await api.passed()
      if (!signal.aborted) await turn()
    }
  }
  run().catch(around.onBug)
  return {
    programmed: () => programmed,
    state: () => (dead.closed ? 'dead' : frozen.closed ? 'frozen' : state),
    freeze: frozen.close,
    thaw: frozen.open,
    kill: () => {
      dead.close()
      around.onReady(false, restarts)
    },
    start: () => {
      restarts++
      dead.open()
      around.onReady(state === 'running', restarts)
      bell.ring()
    },
    setLag: (ms) => {
      lagMs = ms
    },
  }
}
