import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { all, global, matches, matchesPartly, parseSelector, type Selector } from '../../src/calico/selector.ts'
import { FwError } from '../../src/errors.ts'

const labels = { role: 'web', env: 'production', 'projectcalico.org/namespace': 'shop', empty: '' }

describe('a selector', () => {
  const selects: readonly [string, boolean][] = [
    ['', true],
    [' \t', true],
    ['all()', true],
    ['all( )', true],
    ['global()', true],
    ['!all()', false],
    ["role == 'web'", true],
    ['role=="web"', true],
    ["role == 'db'", false],
    ["missing == 'web'", false],
    ["role != 'db'", true],
    ["missing != 'web'", true],
    ['has(role)', true],
    ['has( role )', true],
    ['has(empty)', true],
    ['has(missing)', false],
    ['!has(missing)', true],
    ['!!has(missing)', false],
    ["role in {'web', 'db'}", true],
    ["role in{'web',}", true],
    ['role in {}', false],
    ['role not in {}', true],
    ["role not in {'web'}", false],
    ["role notin {'web'}", false],
    ["missing not in {'web'}", true],
    ["env contains 'duct'", true],
    ["env starts with 'prod'", true],
    ["env startswith 'prod'", true],
    ["env ends with 'tion'", true],
    ["env contains ''", true],
    ["missing contains ''", false],
    ["projectcalico.org/namespace == 'shop' && has(role)", true],
    ["projectcalico.org/namespace not in {'kube-system'}", true],
    ["role == 'db' || role == 'web' && env == 'production'", true],
    ["(role == 'db' || role == 'web') && env == 'test'", false],
    [`role == 'a"b'`, false],
    ["in == 'x'", false],
    ["has == 'x' || all == 'y'", false],
    ["!(role == 'web')", false],
    ["role == 'web'\t||has(x)", true],
  ]
  it.each(selects)('%s selects: %s', (text, expected) => {
    expect(matches(parseSelector(text), labels)).toBe(expected)
  })

  const refused = [
    ...[
      'role',
      'role =',
      "role = 'web'",
      'role == web',
      "role == 'web",
      "role == 'web' &&",
      "role == 'web' & has(x)",
      'has(role',
      'has (role)',
      'has()',
    ],
    ...[
      "role in 'web'",
      "role in {'web'",
      'role in {,}',
      'role in {web}',
      '(has(role)',
      'has(role))',
      'has(role) has(env)',
      '!role',
      "'role' == 'web'",
      '&& has(role)',
    ],
    ...['has(role)\n', 'rôle == 1', `${'x'.repeat(513)} == 'a'`, "role inside {'x'}", 'all(', 'role starts', "role not {'x'}", '$'],
  ]
  it.each(refused)('%s is refused', (text) => {
    expect(() => parseSelector(text)).toThrow(FwError)
    expect(() => parseSelector(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_SELECTOR' }))
  })

  it('made by hand is the one parsed', () => {
    expect(parseSelector('all()')).toEqual(all())
    expect(parseSelector('global()')).toEqual(global())
  })
  it('does not take properties every object has for labels', () => {
    expect(matches(parseSelector('has(constructor) || has(__proto__)'), {})).toBe(false)
  })
})

const label: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c/d', 'in')
const value = fc.constantFrom('', 'x', 'xy', 'y')
const leaf: fc.Arbitrary<Selector> = fc.oneof(
  fc.constantFrom(all()),
  label.map((name): Selector => ({ kind: 'has', label: name })),
  fc
    .tuple(fc.constantFrom('==' as const, '!=' as const, 'contains' as const, 'starts with' as const, 'ends with' as const), label, value)
    .map(([kind, name, text]): Selector => ({ kind, label: name, value: text })),
  fc
    .tuple(fc.constantFrom('in' as const, 'not in' as const), label, fc.uniqueArray(value))
    .map(([kind, name, values]): Selector => ({ kind, label: name, values: new Set(values) })),
)
const { tree } = fc.letrec<{ tree: Selector }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('tree').map((operand): Selector => ({ kind: 'not', operand })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('tree'), { minLength: 2, maxLength: 3 }))
      .map(([kind, operands]): Selector => ({ kind, operands })),
  ),
}))
const someLabels = fc.dictionary(label, value)

/** Writes a selector out with random white space and quotes, every operand in parentheses. */
const write = (selector: Selector, gap: string, quote: string): string => {
  const inner = (operand: Selector) => `(${gap}${write(operand, gap, quote)}${gap})`
  switch (selector.kind) {
    case 'all':
    case 'global':
      return `${selector.kind}(${gap})`
    case 'has':
      return `has(${gap}${selector.label}${gap})`
    case 'not':
      return `!${gap}${inner(selector.operand)}`
    case 'and':
      return selector.operands.map(inner).join(`${gap}&&${gap}`)
    case 'or':
      return selector.operands.map(inner).join(`${gap}||${gap}`)
    case 'in':
    case 'not in':
      return `${selector.label} ${selector.kind} {${gap}${[...selector.values].map((text) => `${quote}${text}${quote}`).join(`${gap},`)}}`
    default:
      return `${selector.label} ${selector.kind}${gap}${quote}${selector.value}${quote}`
  }
}

/** The same question asked of JavaScript itself. */
const evaluate = (selector: Selector, given: Record<string, string>): boolean => {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true
    case 'has':
      return selector.label in given
    case 'not':
      return !evaluate(selector.operand, given)
    case 'and':
      return selector.operands.every((operand) => evaluate(operand, given))
    case 'or':
      return selector.operands.some((operand) => evaluate(operand, given))
    case '==':
      return given[selector.label] === selector.value
    case '!=':
      return given[selector.label] !== selector.value
    case 'in':
      return selector.values.has(given[selector.label] ?? '\0')
    case 'not in':
      return !selector.values.has(given[selector.label] ?? '\0')
    case 'contains':
      return given[selector.label]?.includes(selector.value) ?? false
    case 'starts with':
      return given[selector.label]?.startsWith(selector.value) ?? false
    case 'ends with':
      return given[selector.label]?.endsWith(selector.value) ?? false
  }
}

describe('any selector', () => {
  it('written out, parsed and matched says what an independent evaluator says', () => {
    fc.assert(
      fc.property(tree, someLabels, fc.constantFrom('', ' ', '\t '), fc.constantFrom("'", '"'), (selector, given, gap, quote) => {
        expect(matches(parseSelector(write(selector, gap, quote)), given)).toBe(evaluate(selector, given))
      }),
    )
  })
  it('over partly known labels agrees with every way to complete them, or says it cannot know', () => {
    fc.assert(
      fc.property(tree, someLabels, fc.uniqueArray(label), (selector, given, hidden) => {
        const answer = matchesPartly(selector, (name) =>
          hidden.includes(name) ? undefined : name in given ? { value: given[name] ?? '' } : 'absent',
        )
        fc.pre(answer !== undefined)
        expect(evaluate(selector, given)).toBe(answer)
        expect(evaluate(selector, Object.fromEntries(Object.entries(given).filter(([name]) => !hidden.includes(name))))).toBe(answer)
      }),
    )
  })
})
