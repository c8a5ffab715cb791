import { describe, expect, it } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { StopSignal } from '../../src/commands/context.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { scriptedPrompter } from '../../src/ui/scripted-prompter.ts'
import { nobody, openStage, realClock, type Stage } from './stage.ts'

const argv = ['init', '--yes', '--node-ports', 'close', '--window', '60s']

const start = async (onTestFinished: (close: () => Promise<void>) => void): Promise<Stage> => {
  const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  onTestFinished(() => stage.close())
  return stage
}

const hostEndpoints = ({ simulator }: Stage) => simulator.objects.list(v3, 'HostEndpoint').filter(({ metadata }) => metadata.labels?.[keys.run])
const exporters = ({ simulator }: Stage) => ['ws1', 'ws2', 'control1'].map((node) => simulator.reach('inet', node, 9100))

/** Runs `init` and sends a signal once the first HostEndpoint is there; `answer` answers what it means. */
const interrupted = async (stage: Stage, signal: StopSignal, answer: string | undefined) => {
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
  while (hostEndpoints(stage).length === 0) await realClock.sleep(20)
  for (const handler of handlers) handler(signal)
  const ending = await running
  expect(handlers.size).toBe(0)
  return { ...ending, asked }
}

// One after the other: each run computes for a while, and in one process the others' probes would wait for that.
describe('a run that is interrupted', () => {
  it('asks what Ctrl-C meant, and opens', async ({ expect, onTestFinished }) => {
    const stage = await start(onTestFinished)
    const ending = await interrupted(stage, 'SIGINT', 'open')
    expect(ending.asked).toEqual(['Interrupted. What now?'])
    expect(ending.code).toBe(4)
    expect(ending.stderr).toMatch(/error: the change was taken back: the cluster is as it was before/)
    expect(exporters(stage)).toEqual(['OPEN', 'OPEN', 'OPEN'])
    expect(hostEndpoints(stage)).toEqual([])
  }, 40_000)

  it('goes on where Ctrl-C was a mistake', async ({ expect, onTestFinished }) => {
    const stage = await start(onTestFinished)
    const ending = await interrupted(stage, 'SIGINT', 'go-on')
    expect(ending.code).toBe(0)
    expect(exporters(stage)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
  }, 40_000)

  it('opens without asking when it is told to end', async ({ expect, onTestFinished }) => {
    const stage = await start(onTestFinished)
    const ending = await interrupted(stage, 'SIGTERM', undefined)
    expect(ending.code).toBe(4)
    expect(ending.stderr).toContain('SIGTERM: opening the cluster and undoing this change')
    expect(exporters(stage)).toEqual(['OPEN', 'OPEN', 'OPEN'])
  }, 40_000)

  it('is left armed, opens by itself, and is cleaned up', async ({ expect, onTestFinished }) => {
    const stage = await start(onTestFinished)
    const ending = await interrupted(stage, 'SIGINT', 'leave')
    expect(ending.code).toBe(130)
    expect(ending.stderr).toMatch(/The cluster opens by itself in about \d+ s\./)
    const trial = await stage.run(['status'])
    expect(trial).toMatchObject({ code: 1 })
    expect(trial.stdout).toContain('Change 1 is on trial')
    expect((await stage.run(['init', ...argv.slice(1)])).code).toBe(7)
    await expect.poll(() => exporters(stage), { timeout: 20_000 }).toEqual(['OPEN', 'OPEN', 'OPEN'])
    const expired = await stage.run(['status'])
    expect(expired.stdout).toContain('Change 1 was never kept')
    expect((await stage.run(argv)).stderr).toContain('clean up: kubectl calico-fw rollback')
    expect((await stage.run(['rollback', '--yes'])).code).toBe(0)
    expect(hostEndpoints(stage)).toEqual([])
  }, 60_000)

  it('keeps the answer "leave it armed" open to a confirm from elsewhere, opens on demand, and closes again on trial', async ({
    expect,
    onTestFinished,
  }) => {
    const stage = await start(onTestFinished)
    const answers = scriptedPrompter(
      ({ message }) => (message.startsWith('Keep') ? 'leave' : undefined),
      () => undefined,
    )
    const left = await stage.run(['init', ...argv.slice(2)], { prompter: answers })
    expect(left.code).toBe(130)
    const unasked = await stage.run(['confirm'])
    expect(unasked.code).toBe(2)
    expect(unasked.stderr).toContain('fix: let the probes decide: --yes')
    expect((await stage.run(['confirm', '--yes'])).code).toBe(0)
    expect((await stage.run(['status'])).code).toBe(0)
    expect(exporters(stage)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])

    expect((await stage.run(['open'])).code).toBe(0)
    await expect.poll(() => exporters(stage)).toEqual(['OPEN', 'OPEN', 'OPEN'])
    const closed = await stage.run(argv)
    expect(closed.stderr).toContain('Done.')
    expect(closed.code).toBe(0)
    expect(exporters(stage)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
  }, 60_000)
})
