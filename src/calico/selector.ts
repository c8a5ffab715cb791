import { FwError } from '../errors.ts'
import { badSelector, type Token, tokenize } from './selector-tokens.ts'

/** A parsed Calico selector (libcalico-go/lib/selector/parser). */
export type Selector =
  | { readonly kind: 'all' | 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | {
      readonly kind: '==' | '!=' | 'contains' | 'starts with' | 'ends with'
      readonly label: string
      readonly value: string
    }
  | {
      readonly kind: 'in' | 'not in'
      readonly label: string
      readonly values: ReadonlySet<string>
    }
  | { readonly kind: 'not'; readonly operand: Selector }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Selector[] }

/** Labels of an endpoint or a set. */
export type Labels = Readonly<Record<string, string>>

/** Matches everything; what an empty selector means. */
export const all = (): Selector => ({ kind: 'all' })
/** Cluster-scoped things only; meaningful in a rule's namespaceSelector alone, elsewhere Calico takes it for `all()`. */
export const global = (): Selector => ({ kind: 'global' })

/**
 * Parses Calico's whole selector grammar: `==`, `!=`, `in`, `not in`, `has()`, `contains`, `starts with`, `ends with`, `!`, `&&`, `||`,
 * parentheses, `all()`, `global()`. An empty text selects everything.
 * @throws FwError FW_BAD_SELECTOR
 */
export const parseSelector = (text: string): Selector => {
  const reader: Reader = { text, tokens: tokenize(text), at: 0 }
  if (peek(reader).kind === 'end') return all()
  const selector = either(reader)
  if (peek(reader).kind !== 'end') throw unexpected(reader, 'the end')
  return selector
}

/** What is read; undefined where that meets a selector nobody can parse. What to make of it is the caller's. */
export const unlessBadSelector = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch (error) {
    if (error instanceof FwError && error.code === 'FW_BAD_SELECTOR') return undefined
    throw error
  }
}

/** Whether an endpoint or set with these labels is selected. A missing label satisfies `!=` and `not in`. */
export const matches = (selector: Selector, labels: Labels): boolean =>
  matchesPartly(selector, (label) => (Object.hasOwn(labels, label) ? { value: labels[label] ?? '' } : 'absent')) === true

/** What is known of one label: its value, that it is there, that it is not, or nothing. */
export type LabelKnowledge = { readonly value: string } | 'present' | 'absent' | undefined

/** Three-valued matching where labels are known in part; `undefined` where the unknown ones decide. */
export const matchesPartly = (selector: Selector, know: (label: string) => LabelKnowledge): boolean | undefined => {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true
    case 'has':
      return presence(know(selector.label))
    case 'not':
      return negate(matchesPartly(selector.operand, know))
    case 'and':
      return conjunction(selector.operands.map((operand) => matchesPartly(operand, know)))
    case 'or':
      return negate(conjunction(selector.operands.map((operand) => negate(matchesPartly(operand, know)))))
    case '!=':
      return negate(compare(know(selector.label), (value) => value === selector.value))
    case 'not in':
      return negate(compare(know(selector.label), (value) => selector.values.has(value)))
    case 'in':
      return compare(know(selector.label), (value) => selector.values.has(value))
    case '==':
      return compare(know(selector.label), (value) => value === selector.value)
    case 'contains':
      return compare(know(selector.label), (value) => value.includes(selector.value))
    case 'starts with':
      return compare(know(selector.label), (value) => value.startsWith(selector.value))
    case 'ends with':
      return compare(know(selector.label), (value) => value.endsWith(selector.value))
  }
}

/** The same selector over labels with a prefix: Felix keeps a namespace's labels as `pcns.KEY` and a service account's as `pcsa.KEY`. */
export const withLabelPrefix = (selector: Selector, prefix: string): Selector => {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return selector
    case 'not':
      return {
        kind: 'not',
        operand: withLabelPrefix(selector.operand, prefix),
      }
    case 'and':
    case 'or':
      return {
        kind: selector.kind,
        operands: selector.operands.map((operand) => withLabelPrefix(operand, prefix)),
      }
    default:
      return { ...selector, label: `${prefix}${selector.label}` }
  }
}

/** The same selector with `all()` and `global()` replaced, as Felix does for namespace and service account selectors. */
export const replaceUniversal = (selector: Selector, replacement: Readonly<Record<'all' | 'global', Selector>>): Selector => {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return replacement[selector.kind]
    case 'not':
      return {
        kind: 'not',
        operand: replaceUniversal(selector.operand, replacement),
      }
    case 'and':
    case 'or':
      return {
        kind: selector.kind,
        operands: selector.operands.map((operand) => replaceUniversal(operand, replacement)),
      }
    default:
      return selector
  }
}

const presence = (known: LabelKnowledge): boolean | undefined => (known === undefined ? undefined : known !== 'absent')

const compare = (known: LabelKnowledge, test: (value: string) => boolean): boolean | undefined => {
  if (known === 'absent') return false
  return known === undefined || known === 'present' ? undefined : test(known.value)
}

const negate = (value: boolean | undefined): boolean | undefined => (value === undefined ? undefined : !value)

const conjunction = (values: readonly (boolean | undefined)[]): boolean | undefined => {
  if (values.includes(false)) return false
  return values.includes(undefined) ? undefined : true
}

/** Where a parse stands; the one thing here that changes. */
interface Reader {
  readonly text: string
  readonly tokens: readonly Token[]
  at: number
}

const peek = (reader: Reader): Token => reader.tokens[reader.at] ?? { kind: 'end', value: '' }

/** Steps over the word when it is next. */
const accept = (reader: Reader, word: string): boolean => {
  const { kind, value } = peek(reader)
  if (kind !== 'word' || value !== word) return false
  reader.at++
  return true
}

/** The value of the next token, which must be of this kind. */
const take = (reader: Reader, kind: Token['kind']): string => {
  const token = peek(reader)
  if (token.kind !== kind) throw unexpected(reader, `a ${kind}`)
  reader.at++
  return token.value
}

const unexpected = (reader: Reader, wanted: string): Error => {
  const { kind, value } = peek(reader)
  return badSelector(reader.text, `found ${kind === 'end' ? 'the end' : `"${value}"`} where ${wanted} should be`)
}

/** `||` binds loosest. */
const either = (reader: Reader): Selector => joined(reader, 'or', '||', both)
const both = (reader: Reader): Selector => joined(reader, 'and', '&&', operation)

const joined = (reader: Reader, kind: 'and' | 'or', word: string, part: (reader: Reader) => Selector): Selector => {
  const first = part(reader)
  const operands = [first]
  while (accept(reader, word)) operands.push(part(reader))
  return operands.length === 1 ? first : { kind, operands }
}

const operation = (reader: Reader): Selector => {
  let negated = false
  while (accept(reader, '!')) negated = !negated
  const operand = term(reader)
  return negated ? { kind: 'not', operand } : operand
}

const term = (reader: Reader): Selector => {
  if (accept(reader, 'all()')) return all()
  if (accept(reader, 'global()')) return global()
  if (accept(reader, '(')) {
    const inner = either(reader)
    if (!accept(reader, ')')) throw unexpected(reader, '")"')
    return inner
  }
  if (peek(reader).kind === 'has') return { kind: 'has', label: take(reader, 'has') }
  return comparison(reader, take(reader, 'label'))
}

const comparison = (reader: Reader, label: string): Selector => {
  for (const kind of ['in', 'not in'] as const) {
    if (accept(reader, kind)) return { kind, label, values: setLiteral(reader) }
  }
  for (const kind of ['==', '!=', 'contains', 'starts with', 'ends with'] as const) {
    if (accept(reader, kind)) return { kind, label, value: take(reader, 'string') }
  }
  throw unexpected(reader, 'an operator')
}

/** `{}`, `{'a'}` and `{'a', 'b',}`: Calico takes a trailing comma. */
const setLiteral = (reader: Reader): ReadonlySet<string> => {
  const values = new Set<string>()
  if (!accept(reader, '{')) throw unexpected(reader, '"{"')
  while (peek(reader).kind === 'string') {
    values.add(take(reader, 'string'))
    if (!accept(reader, ',')) break
  }
  if (!accept(reader, '}')) throw unexpected(reader, '"}"')
  return values
}
