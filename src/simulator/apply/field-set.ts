import { type Fields, fieldsOf } from '../json.ts'

/**
 * The fields one manager owns: paths of elements as `managedFields` spells them (`f:spec`, `k:{"uid":"1"}`, `v:"10.0.0.0/8"`), joined by NUL,
 * which no element holds.
 */
export type FieldSet = ReadonlySet<string>

const joint = '\0'

/** A path one element longer. */
export const descend = (path: string, element: string): string => (path === '' ? element : `${path}${joint}${element}`)

/** The elements of a path. */
const elementsOf = (path: string): string[] => (path === '' ? [] : path.split(joint))

/** The path without its last element; undefined at the root. */
const parentOf = (path: string): string | undefined => {
  const end = path.lastIndexOf(joint)
  return end < 0 ? undefined : path.slice(0, end)
}

/** All paths of both. */
export const union = (...sets: FieldSet[]): FieldSet => new Set(sets.flatMap((set) => [...set]))
/** The paths of one that are not in the other. */
export const difference = (of: FieldSet, without: FieldSet): FieldSet => new Set([...of].filter((path) => !without.has(path)))
/** The paths in both. */
export const intersection = (one: FieldSet, other: FieldSet): FieldSet => new Set([...one].filter((path) => other.has(path)))

/**
 * The set with every field on the way to an owned path: owning `spec.node` holds on to `spec`, but owning a field of a list item does not
 * hold on to the item (structured-merge-diff `EnsureNamedFieldsAreMembers`).
 */
export const withNamedParents = (set: FieldSet): FieldSet => {
  const all = new Set(set)
  for (const path of set) {
    for (let parent = parentOf(path); parent !== undefined; parent = parentOf(parent)) {
      if (parent.slice(parent.lastIndexOf(joint) + 1).startsWith('f:')) all.add(parent)
    }
  }
  return all
}

/** The set without every path at or under the given ones. */
export const without = (set: FieldSet, roots: readonly string[]): FieldSet =>
  new Set([...set].filter((path) => !roots.some((root) => path === root || path.startsWith(`${root}${joint}`))))

/** `fieldsV1` of a managedFields entry. A node that is owned itself and has owned children carries `.`. */
export const toFieldsV1 = (set: FieldSet): Fields => {
  const root: Record<string, unknown> = {}
  for (const path of [...set].sort()) {
    let node = root
    for (const element of elementsOf(path)) {
      node[element] ??= {}
      node = node[element] as Record<string, unknown>
    }
    node['.'] = {}
  }
  return pruneDots(root)
}

const pruneDots = (node: Fields): Fields => {
  const keys = Object.keys(node)
  if (keys.length === 1 && keys[0] === '.') return {}
  return Object.fromEntries(keys.sort().map((key) => [key, key === '.' ? {} : pruneDots(fieldsOf(node[key]))]))
}

/** Reads `fieldsV1`: a node without children, or with `.`, is owned. */
export const fromFieldsV1 = (fields: unknown): FieldSet => {
  const set = new Set<string>()
  const walk = (node: Fields, path: string): void => {
    const keys = Object.keys(node)
    if (path !== '' && (keys.length === 0 || keys.includes('.'))) set.add(path)
    for (const key of keys) if (key !== '.') walk(fieldsOf(node[key]), descend(path, key))
  }
  walk(fieldsOf(fields), '')
  return set
}

/** `.spec.ports[port=80,protocol="TCP"].name`: how a conflict names a field. */
export const describePath = (path: string): string =>
  elementsOf(path)
    .map((element) => {
      const value = element.slice(2)
      if (element.startsWith('f:')) return `.${value}`
      if (element.startsWith('v:')) return `[=${value}]`
      const keys = Object.entries(fieldsOf(JSON.parse(value)))
      return `[${keys.map(([key, of]) => `${key}=${JSON.stringify(of)}`).join(',')}]`
    })
    .join('')
