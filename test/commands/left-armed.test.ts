import { describe, it } from 'vitest'
import { scriptedPrompter } from '../../src/ui/scripted-prompter.ts'
import { argv, exporters, hostEndpoints, interrupted, start } from './interrupted.ts'

// One after the other, as in interrupt.test.ts.
describe('a run that is left armed', () => {
  it('opens by itself, and is cleaned up', async ({ expect, onTestFinished }) => {
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
    expect(expired.stdout).toContain('Change 1 is not kept')
    expect((await stage.run(argv)).stderr).toContain('take it back: kubectl calico-fw rollback')
    const told: string[] = []
    const cleaner = scriptedPrompter(
      ({ message }) => (message.startsWith('Change 1 is not kept') ? 'only take it back' : undefined),
      (line) => told.push(line),
    )
    expect((await stage.run(['init'], { prompter: cleaner })).code).toBe(0)
    expect(told.join(' ')).toContain('tester@adm/1-cafe began it')
    expect(hostEndpoints(stage)).toEqual([])
  }, 60_000)

  it('keeps the answer "leave it on trial" open to a confirm from elsewhere, opens on demand, and closes again on trial', async ({
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
    expect(left.stderr).toMatch(/stays on trial[\s\S]*next: keep it: kubectl calico-fw confirm/)
    expect(left.stderr).not.toMatch(/error:|Verify and clean up/)
    const unasked = await stage.run(['confirm'])
    expect(unasked.code).toBe(2)
    expect(unasked.stderr).toContain('fix: let the probes decide: --yes')
    expect(await stage.run(['confirm', '--yes'])).toMatchObject({ code: 0, stderr: expect.stringContaining('Undo it: kubectl calico-fw rollback') })
    expect((await stage.run(['status'])).code).toBe(0)
    expect(exporters(stage)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])

    expect((await stage.run(['open'])).code).toBe(0)
    await expect.poll(() => exporters(stage)).toEqual(['OPEN', 'OPEN', 'OPEN'])
    const closed = await stage.run(argv)
    expect(closed.stderr).toContain('Done.')
    expect(closed.code).toBe(0)
    expect(exporters(stage)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])

    // A rollback that takes an opening back closes by a Deny of its own: confirm would disarm that and call the opening closed.
    expect((await stage.run(['add-vip', '192.168.218.174', '--port', '31110/tcp', '--yes'])).code).toBe(0)
    const taking = scriptedPrompter(
      ({ message }) => (message.startsWith('Roll back') ? true : message.startsWith('Keep') ? 'leave' : undefined),
      () => undefined,
    )
    expect((await stage.run(['rollback'], { prompter: taking })).code).toBe(130)
    const trial = await stage.run(['status'])
    expect(trial.stdout).toContain('is on trial, with no node closed by it')
    expect(trial.stdout).not.toContain('calico-fw confirm')
    const refused = await stage.run(['confirm', '--yes'])
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('go on with a rollback: kubectl calico-fw rollback') })
    expect((await stage.run(['rollback', '--yes'])).code).toBe(0)
    expect(stage.simulator.reach('inet', 'ws1', 31_110)).toBe('TIMEOUT')
  }, 120_000)
})
