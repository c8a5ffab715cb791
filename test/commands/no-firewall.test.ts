import { expect, it } from 'vitest'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { scriptedPrompter } from '../../src/ui/scripted-prompter.ts'
import { argv, start } from './interrupted.ts'
import { openStage } from './stage.ts'

// Found by typing `open` with the wrong context chosen.
it('open where there is no firewall says so, and what it wrote can be taken away', async ({ onTestFinished }) => {
  const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  onTestFinished(() => stage.close())
  const opened = await stage.run(['open'])
  expect(opened).toMatchObject({ code: 0, stderr: expect.stringMatching(/^kubernetes-admin@home → https:/) })
  expect(opened.stderr).toMatch(/no firewall of this tool[\s\S]*nothing was closed[\s\S]*kubectl calico-fw rollback --to 0/)
  expect(opened.stderr).not.toMatch(/sync|deleted every/)
  const status = await stage.run(['status'])
  expect(status).toMatchObject({ code: 1, stdout: expect.stringMatching(/no firewall of this tool[\s\S]*rollback --to 0/) })
  expect(status.stdout).not.toContain('sync')
  const init = await stage.run(argv)
  expect(init).toMatchObject({ code: 3, stderr: expect.stringMatching(/open[\s\S]*rollback --to 0/) })
  expect((await stage.run(['rollback', '--to', '0', '--yes'])).code).toBe(0)
  expect(await stage.run(['status'])).toMatchObject({ code: 0, stdout: expect.stringContaining('No firewall of this tool') })
}, 30_000)

it.each(['open', 'rollback', 'status', 'confirm'])(
  '%s without an API server names what works without one',
  async (verb) => {
    const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
    const ending = await stage.run([verb, '--server', 'https://192.168.218.171:6444'])
    await stage.close()
    expect(ending).toMatchObject({ code: 6, stderr: expect.stringMatching(/opens by itself[\s\S]*kubectl calico-fw rescue --execute/) })
  },
  30_000,
)

it('rollback names the cluster before it asks and while it does, and says so when nothing was written', async ({ onTestFinished }) => {
  const stage = await start(onTestFinished)
  expect((await stage.run(['open'])).code).toBe(0)
  const asked: string[] = []
  const prompter = scriptedPrompter(
    ({ message }) => {
      asked.push(message)
      return false
    },
    () => undefined,
  )
  const ending = await stage.run(['rollback'], { prompter })
  expect(ending).toMatchObject({ code: 0, stderr: expect.stringMatching(/^kubernetes-admin@home → https:[\s\S]*Nothing was written\.\n$/) })
  expect(asked).toEqual(['Roll back kubernetes-admin@home to before the first change?'])
}, 60_000)
