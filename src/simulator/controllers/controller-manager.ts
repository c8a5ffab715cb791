import { setMaxListeners } from 'node:events'
import { type ControlPlane, isReachable } from '../api/control-plane.ts'
import type { Barrier } from '../barrier.ts'
import { createBarrier } from '../barrier.ts'
import { type Bell, createBell, slept } from '../bell.ts'
import type { Controller, ControllerName } from './controller.ts'
import { endpointSliceController } from './endpoint-slices.ts'
import { garbageCollector } from './garbage-collector.ts'
import { jobController, ttlController } from './jobs.ts'
import { namespaceController } from './namespaces.ts'
import { nodeLifecycleController } from './node-lifecycle.ts'

/** kube-controller-manager, as a test or the demo handles it. */
export interface ControllerManager {
  /** Stops it where it stands, as SIGSTOP does. */
  freeze(): void
  thaw(): void
  /** Ends it; what it had in memory is gone. */
  kill(): void
  /** Starts it again; it needs a second to list everything. */
  start(): void
  /** How long, in milliseconds, its work queues keep everything, or one controller's, waiting. */
  setLag(ms: number, controller?: ControllerName): void
}

/** How a controller manager is made. */
export interface ControllerManagerOptions {
  /** Milliseconds between an event and what a controller does about it. */
  readonly lagMs: number
  /** Closed while the API server is frozen: nothing can be written then. */
  readonly api: Barrier
  /** Hears of bugs in the simulator. */
  readonly onBug: (error: unknown) => void
}

const controllers: readonly Controller[] = [
  ...[jobController, ttlController, garbageCollector, endpointSliceController, namespaceController, nodeLifecycleController],
]

/** Start-up until the informers have listed everything. */
const startupMs = 1000
/** A collector that starts while an API group does not answer waits this long for it, and then goes on without. */
const collectorSyncMs = 30_000
const syncPollMs = 250

/** A running controller manager. */
export const createControllerManager = (
  plane: ControlPlane,
  { lagMs, api, onBug }: ControllerManagerOptions,
): ControllerManager & { close(): void } => {
  const lags = new Map<ControllerName, number>()
  const frozen = createBarrier()
  let life: AbortController | undefined

  const run = async (controller: Controller, bell: Bell, signal: AbortSignal): Promise<void> => {
    for (let due: number | undefined = 0; await bell.wait(due, signal); ) {
      if (!(await slept(plane.clock, lags.get(controller.name) ?? lagMs, signal))) return
      await frozen.passed()
      await api.passed()
      if (signal.aborted) return
      due = controller.reconcile(plane)
    }
  }

  const synced = async (signal: AbortSignal): Promise<void> => {
    const end = plane.clock.now() + collectorSyncMs
    while (plane.kinds.some((kind) => !isReachable(plane, kind)) && plane.clock.now() < end) {
      if (!(await slept(plane.clock, syncPollMs, signal))) return
    }
  }

  const begin = async (controller: Controller, waitMs: number, signal: AbortSignal): Promise<void> => {
    const bell = createBell(plane.clock)
    const end = plane.store.subscribe((event) => {
      if (controller.interested(event)) bell.ring()
    })
    try {
      if (waitMs > 0 && !(await slept(plane.clock, waitMs, signal))) return
      if (controller.name === 'garbage-collector') await synced(signal)
      await run(controller, bell, signal)
    } finally {
      end()
    }
  }

  const live = (waitMs: number): void => {
    life = new AbortController()
    // One listener per sleeping loop is no leak.
    setMaxListeners(0, life.signal)
    for (const controller of controllers) begin(controller, waitMs, life.signal).catch(onBug)
  }
  const kill = (): void => {
    life?.abort()
    life = undefined
    frozen.open()
  }
  live(0)
  return {
    freeze: frozen.close,
    thaw: frozen.open,
    kill,
    start: () => {
      if (life === undefined) live(startupMs)
    },
    setLag: (ms, controller) => {
      for (const { name } of controllers) if (controller === undefined || controller === name) lags.set(name, ms)
    },
    close: kill,
  }
}
