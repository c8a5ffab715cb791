import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Prompter } from '../../src/ui/prompter.ts'
import { createPrompter } from '../../src/ui/prompts.ts'
import { themeFor } from '../../src/ui/theme.ts'

const question = { message: 'Which?', why: 'It matters.', flag: '--which' }
const choices = [
  { value: 'a', name: 'first' },
  { value: 'b', name: 'second' },
]
const kinds: readonly (readonly [string, (ui: Prompter) => Promise<unknown>])[] = [
  ['a choice', (ui) => ui.select({ ...question, choices })],
  ['a list', (ui) => ui.checkbox({ ...question, choices })],
  ['a line', (ui) => ui.input(question)],
  ['yes or no', (ui) => ui.confirm(question)],
  ['a word', (ui) => ui.typed({ ...question, expected: 'home' })],
]

/** Asks, and types these keys once the question stands there. */
const typing = (keys: string, ask: (ui: Prompter) => Promise<unknown>): Promise<unknown> => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let said = ''
  output.on('data', (chunk) => {
    if (said.includes('Which?')) return
    said += chunk
    if (said.includes('Which?')) setImmediate(() => input.write(keys))
  })
  return ask(createPrompter({ input, output, theme: themeFor({}, {}) })).catch((error: unknown) => error)
}

describe('a question that is not answered', () => {
  it.each(kinds.flatMap(([kind, ask]) => [['Ctrl-C', '\u0003', kind, ask] as const, ['Ctrl-D', '\u0004', kind, ask] as const]))(
    '%s (%j) at %s names the flag that answers it',
    async (_, keys, __, ask) => {
      expect(await typing(keys, ask)).toMatchObject({
        code: 'FW_INTERRUPTED',
        why: 'nobody answered "Which?"',
        fix: expect.stringContaining('--which'),
      })
    },
  )

  it('is told from one that is: Enter', async () => {
    expect(await Promise.all(kinds.map(([, ask]) => typing('\r', ask)))).toEqual(['a', [], '', false, false])
  })
})
