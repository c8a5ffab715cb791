import { describe, it } from 'vitest'
import { realClock } from '../fixtures/real-time.ts'
import { openStage } from './stage.ts'

const table = (text: string, title: string): string => text.split(`\n${title}\n`)[1]?.split('\n\n')[0]?.trim() ?? ''

describe.concurrent('the demo without a terminal', () => {
  it('tells the main job from the first look to the last, and ends as it began', async ({ expect, onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const { code, stderr, stdout } = await stage.run(['demo'], { clock: realClock })
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /\? Which network interfaces should close\? ens160[\s\S]*\? Type home to begin[^\n]* home\n[\s\S]*\? Keep the firewall\? yes: keep it/,
    )
    expect(table(stderr, 'Closed: who reaches what')).toMatch(/kubelet on ws1 +TIMEOUT +TIMEOUT +OPEN/)
    expect(table(stderr, 'One NodePort open to one client')).toMatch(/NodePort on ws1 +OPEN +TIMEOUT +OPEN/)
    expect(table(stderr, 'Rolled back: as before')).toBe(table(stderr, 'Before: who reaches what'))
    expect(stdout).toMatch(/^apiVersion: calico-fw/)
    expect(stage.writes()).toEqual([])
  }, 60_000)

  it('shows a foreign policy cut the ingress, and the cluster go back by itself', async ({ expect, onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const { code, stderr } = await stage.run(['demo', '--scenario', 'lockout'], { clock: realClock })
    expect(stderr).toMatch(/answered before and is silent now[\s\S]*Open everything[\s\S]*\(exit code 4\)/)
    expect(table(stderr, 'After: as before')).toBe(table(stderr, 'Before: who reaches what'))
    expect(code).toBe(0)
  }, 60_000)

  it('shows the program die, and Kubernetes open the cluster', async ({ expect, onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const { code, stderr, stdout } = await stage.run(['demo', '--scenario', 'crash'], { clock: realClock })
    expect(table(stderr, 'Now: half of the nodes are closed')).toMatch(/kubelet on ws1 +TIMEOUT/)
    expect(stdout).toMatch(/Change 1 is on trial[\s\S]*Change 1 is not kept/)
    expect(table(stderr, 'Open again, by itself')).toMatch(/kubelet on ws1 +OPEN +OPEN/)
    expect(code).toBe(0)
  }, 60_000)
})
