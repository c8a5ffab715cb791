import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { errorFields, errorText } from '../../src/ui/error-text.ts'
import { table } from '../../src/ui/table.ts'
import { plainTheme, takesColour, themeFor } from '../../src/ui/theme.ts'
import { counted, listed, wrap } from '../../src/ui/wrap.ts'

describe('wrap', () => {
  it('indents what follows its first line', () => {
    expect(wrap('one two three four five six seven eight nine ten', { columns: 40, first: '  - ' })).toBe(
      '  - one two three four five six seven\n    eight nine ten',
    )
  })

  it('loses no word, breaks none, and keeps to its columns where words allow', () => {
    const word = fc.stringMatching(/^[a-z0-9./:]{1,60}$/)
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 40, max: 120 }), (words, columns) => {
        const lines = wrap(words.join(' '), { columns, first: '- ' }).split('\n')
        expect(
          lines
            .map((line) => line.slice(2))
            .join(' ')
            .split(' '),
        ).toEqual(words)
        for (const line of lines) expect(line.length <= columns || !line.slice(2).includes(' ')).toBe(true)
      }),
    )
  })
})

it('lists and counts as people do', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c'])
  expect([counted(1, 'node'), counted(5, 'node')]).toEqual(['1 node', '5 nodes'])
})

it('prints tables as kubectl does, without columns nobody fills', () => {
  expect(
    table(
      ['name', 'empty', 'age'],
      [
        ['ws1', '', '5d'],
        ['control1', '', '30d'],
      ],
    ),
  ).toBe('NAME       AGE\nws1        5d\ncontrol1   30d')
})

describe('errors', () => {
  const error = new FwError('FW_BAD_CIDR', '"x" is not a CIDR', { why: 'because', fix: 'write one' })
  it('say what, why and what mends it', () => {
    expect(errorText(error, plainTheme)).toBe('error: "x" is not a CIDR\nwhy: because\nfix: write one')
    expect(errorText(new FwError('FW_USAGE', 'what'), plainTheme)).toBe('error: what')
  })
  it('carry their code and exit code for scripts', () => {
    expect(errorFields(error)).toEqual({ code: 'FW_BAD_CIDR', exitCode: 2, what: '"x" is not a CIDR', why: 'because', fix: 'write one' })
  })
})

describe('colour', () => {
  const terminal = { isTTY: true }
  it.each([
    ['a terminal', terminal, {}, true],
    ['a pipe', {}, {}, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
    ['TERM=dumb', terminal, { TERM: 'dumb' }, false],
    ['FORCE_COLOR in a pipe', {}, { FORCE_COLOR: '1' }, true],
    ['NO_COLOR before FORCE_COLOR', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('%s', (_, stream, env, colour) => {
    expect(takesColour(stream, env)).toBe(colour)
    expect(themeFor(stream, env).bad('x') !== 'x').toBe(colour)
  })
})
