import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { createLinePrompter } from '../../src/ui/line-prompts.ts'
import type { Prompter } from '../../src/ui/prompter.ts'

/** Types these lines, one after each prompt, and gives the answer and all that was said. */
const answering = async (lines: readonly string[], ask: (prompter: Prompter) => Promise<unknown>) => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const left = [...lines]
  let said = ''
  output.on('data', (chunk) => {
    said += chunk
    if (/[:>] $/.test(said) && left.length > 0) setImmediate(() => input.write(`${left.shift()}\r`))
  })
  const answer = await ask(createLinePrompter({ input, output })).catch((error: unknown) => error)
  // Away from TERM=dumb readline itself moves the cursor.
  return { answer, said: stripVTControlCharacters(said) }
}

const choices = [
  { value: 'a', name: 'first' },
  { value: 'b', name: 'second', checked: true, description: 'the other' },
]
const pick = { message: 'Which?', why: 'It matters.', flag: '--which', choices }

describe('questions line by line', () => {
  it.each<[string, readonly string[], (prompter: Prompter) => Promise<unknown>, unknown]>([
    ['one of them', ['2'], (ui) => ui.select(pick), 'b'],
    ['the first where nothing is said', [''], (ui) => ui.select(pick), 'a'],
    ['the default where nothing is said', [''], (ui) => ui.select({ ...pick, default: 'b' }), 'b'],
    ['asked again for a number that is none', ['3', '0', 'x', '1'], (ui) => ui.select(pick), 'a'],
    ['several', ['1, 2'], (ui) => ui.checkbox(pick), ['a', 'b']],
    ['those that are chosen', [''], (ui) => ui.checkbox(pick), ['b']],
    ['none', ['none'], (ui) => ui.checkbox(pick), []],
    ['asked again for none where one is needed', ['none', '1'], (ui) => ui.checkbox({ ...pick, required: true }), ['a']],
    ['text, asked again while it is wrong', ['no', 'yes'], (ui) => ui.input({ ...pick, validate: (text) => text === 'yes' || 'say yes' }), 'yes'],
    ['the standard text', [''], (ui) => ui.input({ ...pick, default: '7443/tcp' }), '7443/tcp'],
    ['no where nothing is said', [''], (ui) => ui.confirm(pick), false],
    ['yes', ['maybe', 'Yes'], (ui) => ui.confirm(pick), true],
    ['the very word', ['hom', 'home'], (ui) => ui.typed({ ...pick, expected: 'home' }), true],
    ['nothing is no', [''], (ui) => ui.typed({ ...pick, expected: 'home' }), false],
    ['Ctrl-C', ['\u0003'], (ui) => ui.select(pick), expect.objectContaining({ code: 'FW_INTERRUPTED' })],
    ['Ctrl-D', ['\u0004'], (ui) => ui.select(pick), expect.objectContaining({ code: 'FW_INTERRUPTED' })],
  ])('%s', async (_, lines, ask, answer) => {
    const seen = await answering(lines, ask)
    expect(seen.answer).toEqual(answer)
  })

  it('Backspace, Ctrl-W and Ctrl-U are done where TERM=dumb, and readline does not', async () => {
    vi.stubEnv('TERM', 'dumb')
    const { answer } = await answering(['nothing\u0015my hous\u007f\bme\u0017home'], (ui) => ui.typed({ ...pick, expected: 'my home' }))
    vi.unstubAllEnvs()
    expect(answer).toBe(true)
  })

  it('numbers what there is to choose, and says what is chosen', async () => {
    const { said } = await answering([''], (ui) => ui.checkbox(pick))
    expect(said).toMatch(/^\nIt matters\.\nWhich\?\n1\. first\n2\. second \(chosen\): the other\nNumbers, as in 1,3, "none", or Enter/)
  })

  it('a question that is withdrawn ends with the reason', async () => {
    const withdrawn = new AbortController()
    setImmediate(() => withdrawn.abort('turned round'))
    expect((await answering([], (ui) => ui.select(pick, { signal: withdrawn.signal }))).answer).toBe('turned round')
    expect((await answering([], (ui) => ui.select(pick, { signal: withdrawn.signal }))).answer).toBe('turned round')
  })
})
