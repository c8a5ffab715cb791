import { FwError } from '../errors.ts'

/** One token of a Calico selector. `word` tokens are `==`, `!=`, `in`, `not in`, `contains`, `starts with`, `ends with`, `all()`, `global()` and punctuation. */
export type Token =
  | { readonly kind: 'label' | 'string' | 'has'; readonly value: string }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'end'; readonly value: '' }

const maxLabelLength = 512

/** Fixed spellings tried first, in this order; calico's tokenizer knows blanks and tabs as white space, and nothing else. */
const punctuation = ['==', '!=', '!', '&&', '||', '(', ')', '{', '}', ','] as const
const operator = /^(contains|starts[ \t]*with|ends[ \t]*with|not[ \t]*in|in)(?![A-Za-z0-9_./-])/
const call = /^(has|all|global)\([ \t]*/
const identifier = /^[A-Za-z0-9_./-]+/

/**
 * Splits a selector into tokens exactly as libcalico-go/lib/selector/tokenizer does: an operator word counts only after a label,
 * strings have no escapes, `has (x)` with a blank is not a call.
 * @throws FwError FW_BAD_SELECTOR
 */
export const tokenize = (text: string): Token[] => {
  const tokens: Token[] = []
  let rest = text.replace(/^[ \t]+/, '')
  while (rest !== '') {
    const [token, length] = next(text, rest, tokens.at(-1))
    tokens.push(token)
    rest = rest.slice(length).replace(/^[ \t]+/, '')
  }
  return [...tokens, { kind: 'end', value: '' }]
}

/** The error for a selector Calico itself would refuse. */
export const badSelector = (selector: string, why: string): FwError =>
  new FwError('FW_BAD_SELECTOR', `"${selector}" is not a Calico selector`, {
    why,
    fix: `write for example has(x), x == 'y' or x in {'y', 'z'}`,
  })

const next = (text: string, rest: string, before: Token | undefined): [Token, number] => {
  const quote = rest[0]
  if (quote === "'" || quote === '"') {
    const end = rest.indexOf(quote, 1)
    if (end < 0) throw badSelector(text, 'a string is not closed')
    return [{ kind: 'string', value: rest.slice(1, end) }, end + 1]
  }
  const mark = punctuation.find((known) => rest.startsWith(known))
  if (mark !== undefined) return [{ kind: 'word', value: mark }, mark.length]
  if (before?.kind === 'label') {
    const word = operator.exec(rest)
    if (word === null) throw badSelector(text, `no operator follows the label "${before.value}"`)
    return [{ kind: 'word', value: operatorName(word[0]) }, word[0].length]
  }
  return callToken(text, rest) ?? labelToken(text, rest)
}

const operatorName = (spelling: string): string => {
  if (spelling.startsWith('not')) return 'not in'
  return spelling.replace(/^(starts|ends).*/, '$1 with')
}

const callToken = (text: string, rest: string): [Token, number] | undefined => {
  const opening = call.exec(rest)
  if (opening === null) return undefined
  const label = opening[1] === 'has' ? labelToken(text, rest.slice(opening[0].length)) : undefined
  const inner = opening[0].length + (label?.[1] ?? 0)
  const closing = /^[ \t]*\)/.exec(rest.slice(inner))
  if (closing === null) throw badSelector(text, `no closing ")" after ${opening[1]}(`)
  const token: Token = label === undefined ? { kind: 'word', value: `${opening[1]}()` } : { kind: 'has', value: label[0].value }
  return [token, inner + closing[0].length]
}

const labelToken = (text: string, rest: string): [Token, number] => {
  const name = identifier.exec(rest)?.[0]
  if (name === undefined) throw badSelector(text, `"${rest}" begins with something that is no label, string or operator`)
  if (name.length > maxLabelLength) throw badSelector(text, `a label is longer than ${maxLabelLength} characters`)
  return [{ kind: 'label', value: name }, name.length]
}
