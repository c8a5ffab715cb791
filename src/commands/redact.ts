import { hideAddresses } from '../net/hide-addresses.ts'

/** A copy of a document with every address, and each of these names, replaced by the same stand-in wherever it stands, in keys too. */
export const redact = (document: unknown, people: readonly string[]): unknown => {
  const hide = hideAddresses()
  const standIns = [...new Set(people)].map((name, at) => [name, `operator-${at + 1}`] as const)
  const text = (one: string): string => hide(standIns.reduce((so, [name, standIn]) => so.replaceAll(name, standIn), one))
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), walk(inner)]))
  }
  return walk(document)
}
