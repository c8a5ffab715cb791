import { expect } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { StopSignal } from '../../src/commands/context.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { scriptedPrompter } from '../../src/ui/scripted-prompter.ts'
import { until } from '../fixtures/real-time.ts'
import { nobody, openStage, type Stage } from './stage.ts'

/** An unattended `init` with a short window. */
export const argv = ['init', '--yes', '--node-ports', 'close', '--window', '60s']

/** A simulated home cluster of three nodes, closed when the test ends. */
export const start = async (onTestFinished: (close: () => Promise<void>) => void): Promise<Stage> => {
  const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  onTestFinished(() => stage.close())
  return stage
}

/** This tool's HostEndpoints. */
export const hostEndpoints = ({ simulator }: Stage) =>
  simulator.objects.list(v3, 'HostEndpoint').filter(({ metadata }) => metadata.labels?.[keys.run])
/** What the internet sees of the nodes' exporters. */
export const exporters = ({ simulator }: Stage) => ['ws1', 'ws2', 'control1'].map((node) => simulator.reach('inet', node, 9100))

/** Runs `init` and sends a signal once the first HostEndpoint is there; `answer` answers what it means. */
export const interrupted = async (stage: Stage, signal: StopSignal, answer: string | undefined) => {
  const handlers = new Set<(signal: StopSignal) => void>()
  const asked: string[] = []
  const running = stage.run(argv, {
    onSignal: (handler) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    prompter:
      answer === undefined
        ? nobody
        : scriptedPrompter(
            ({ message }) => {
              asked.push(message)
              return answer
            },
            () => undefined,
          ),
  })
  await until('a HostEndpoint', () => hostEndpoints(stage).length > 0)
  for (const handler of handlers) handler(signal)
  const ending = await running
  expect(handlers.size).toBe(0)
  return { ...ending, asked }
}
