import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandTree, runCli } from '../../src/cli.ts'
import type { Context } from '../../src/commands/context.ts'
import { helpWords } from '../../src/ui/help-words.ts'
import { version } from '../../src/version.ts'

const output = () => {
  let text = ''
  const stream = {
    write: (chunk: string) => {
      text += chunk
      return true
    },
  }
  return { stream, text: () => text }
}

/** A context of which help and completion use the streams alone. */
const run = async (...argv: string[]) => {
  const out = output()
  const code = await runCli({ argv, stdout: out.stream, stderr: output().stream } as unknown as Context)
  return { code, text: out.text() }
}

const names = commandTree({ stdout: output().stream } as unknown as Context, () => undefined)
  .commands.map((command) => command.name())
  .filter((name) => !name.startsWith('__'))

it('has words for every command, and no others', () => {
  expect(Object.keys(helpWords).toSorted()).toEqual(['calico-fw', ...names].toSorted())
})

it('is told by the word help too, as kubectl does it', async () => {
  expect(await run('help')).toEqual(await run())
  expect(await run('help', 'init')).toEqual(await run('init', '--help'))
  await expect(run('help', 'nothing')).rejects.toThrow("unknown command 'nothing'")
})

it('begins help with the name people type, examples before flags, exit codes at the end', async () => {
  for (const name of names) {
    const { code, text } = await run(name, '--help')
    expect(code).toBe(0)
    expect(text).toMatch(
      new RegExp(
        `^kubectl calico-fw ${name}: [\\s\\S]*\nExamples:\n  kubectl calico-fw ${name}[\\s\\S]*\nUsage:\n[\\s\\S]*\nFlags:\n[\\s\\S]*\nExit codes:\n  0`,
      ),
    )
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  }
  expect((await run()).text.split('\n').filter((line) => line.length > 80)).toEqual([])
})

it('is what docs/commands.md says', async () => {
  const sections: [string, string][] = [['kubectl calico-fw', (await run()).text]]
  for (const name of names) sections.push([`kubectl calico-fw ${name}`, (await run(name, '--help')).text])
  const page = sections.map(([title, text]) => `## ${title}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\`\n`).join('\n')
  const intro =
    '# Commands\n\nThe help texts as the program prints them; a test keeps this page equal to them. Connection flags are kubectl’s own and mean the same.\n'
  await expect(`${intro}\n${page}`).toMatchFileSnapshot('../../docs/commands.md')
})

it('prints the version of package.json', async () => {
  const { version: packaged } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  expect(version).toBe(packaged)
  expect(await run('--version')).toEqual({ code: 0, text: `kubectl-calico-fw v${version}\n` })
  expect(JSON.parse((await run('version', '-o', 'json')).text)).toEqual({
    apiVersion: 'calico-fw.github.io/v1alpha1',
    kind: 'Version',
    version: `v${version}`,
  })
})

describe('completion in Cobra’s form', () => {
  it.each([
    [['ro'], 'rollback\tgo back to an earlier state, and prove it\n:4\n'],
    [['init', '--node'], '--node-ports\twhat happens to NodePorts: close, open, or the ports to keep open\n:4\n'],
    [['demo', '--scenario', 'l'], 'lockout\t\n:4\n'],
    [['init', '-f', ''], ':0\n'],
    [['nonsense', 'x', ''], expect.stringContaining('init\t')],
  ])('%j', async (words, text) => {
    expect((await run('__complete', ...words)).text).toEqual(text)
  })

  it('is wired by two lines of shell', async () => {
    expect((await run('completion')).text).toBe('#!/bin/sh\nexec kubectl calico-fw __complete "$@"\n')
  })
})
