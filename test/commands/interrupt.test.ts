import { describe, it } from 'vitest'
import { exporters, hostEndpoints, interrupted, start } from './interrupted.ts'

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
    expect(ending.stderr).toContain('SIGTERM: opening again and undoing this change')
    expect(exporters(stage)).toEqual(['OPEN', 'OPEN', 'OPEN'])
  }, 40_000)
})
