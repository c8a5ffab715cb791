import { hideAddresses } from '../net/hide-addresses.ts'

/** Who holds the lock, wherever it is told: `user@host/pid-random`. */
const holder = /[^\s/"']+@[^\s/"']+\/\d+-[0-9a-z]+/g

/**
 * A copy of a document in which every address, every holder of the lock, and the user and host of these ones have stand-ins, the same wherever they stand, in keys
 * too: users and hosts are in paths and names of contexts as well.
 */
export const redact = (document: unknown, holders: readonly string[]): unknown => {
  const hide = hideAddresses(textsIn(document))
  const people = [...new Set(holders)].map((one) => one.split('/')[0]?.split(/@(?=[^@]*$)/) ?? [])
  const words = people.flatMap(([user = '', host = '']) => [...wordOf(user, 'operator'), ...wordOf(host, 'machine')])
  const holderless = (text: string): string => text.replace(holder, (found) => (holders.includes(found) ? 'operator' : 'another operator'))
  return mapTexts(document, (text) => words.reduce((so, [word, standIn]) => so.replace(word, standIn), hide(holderless(text))))
}

const wordOf = (word: string, standIn: string): (readonly [RegExp, string])[] =>
  word === '' ? [] : [[new RegExp(`(?<!\\w)${escaped(word)}(?!\\w)`, 'g'), standIn]]

const mapTexts = (value: unknown, change: (text: string) => string): unknown => {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [change(key), mapTexts(inner, change)]))
}

const textsIn = (value: unknown): string[] => {
  const texts: string[] = []
  mapTexts(value, (text) => {
    texts.push(text)
    return text
  })
  return texts
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
