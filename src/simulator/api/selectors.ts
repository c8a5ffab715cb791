import type { KubeObject } from '../../calico/object.ts'
import { at } from '../json.ts'
import { badRequest } from './status.ts'

/** Whether an object is asked for. */
export type Matcher = (object: KubeObject) => boolean

/** Splits at commas outside parentheses. */
const requirements = (selector: string): string[] =>
  selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')

/**
 * A label selector as `labelSelector=` carries it: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, joined by commas.
 * @throws ApiFailure 400
 */
export const labelMatcher = (selector: string): Matcher => {
  const tests = requirements(selector).map(labelTest)
  return ({ metadata: { labels = {} } }) => tests.every((test) => test(labels))
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean

const labelTest = (part: string): LabelTest => {
  const setBased = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part)
  if (setBased) {
    const [, key = '', operator, list = ''] = setBased
    const values = list.split(',').map((value) => value.trim())
    return (labels) => (operator === 'in') === (labels[key] !== undefined && values.includes(labels[key]))
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(part)
  if (equality) {
    const [, key = '', operator, value] = equality
    return (labels) => (operator === '!=') !== (labels[key] === value)
  }
  const existence = /^(!?)\s*([\w./-]+)$/.exec(part)
  if (existence) {
    const [, not, key = ''] = existence
    return (labels) => (not === '!') !== (labels[key] !== undefined)
  }
  throw badRequest(`unable to parse requirement: found '${part}', expected: in, notin, =, ==, !=, or an identifier`)
}

/**
 * A field selector as `fieldSelector=` carries it: `path=value` and `path!=value`, joined by commas. `allowed` are the paths the kind offers.
 * @throws ApiFailure 400
 */
export const fieldMatcher = (selector: string, allowed: readonly string[]): Matcher => {
  const tests = requirements(selector).map((part) => {
    const [, path = '', operator, value = ''] = /^([\w.]+)\s*(==|=|!=)\s*(.*)$/.exec(part) ?? []
    if (operator === undefined) throw badRequest(`invalid field selector: ${part}`)
    if (!allowed.includes(path)) throw badRequest(`field label not supported: ${path}`)
    return (object: KubeObject) => (operator === '!=') !== (`${at(object, ...path.split('.')) ?? ''}` === value)
  })
  return (object) => tests.every((test) => test(object))
}
