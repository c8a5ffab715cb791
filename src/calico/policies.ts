import { subjectSelector } from './endpoint-selectors.ts'
import { type Labels, matches, unlessBadSelector } from './selector.ts'
import type { GlobalNetworkPolicy, Rule } from './shapes.ts'

/** A policy's tier; one that names none is in `default`. */
export const tierOf = ({ spec }: { readonly spec?: { readonly tier?: string } }): string => spec?.tier || 'default'

/** As Felix takes the policies of a tier: by order, those without one last, ties by name (felix/calc/policy_sorter.go). */
export const byPolicyOrder = (one: GlobalNetworkPolicy, other: GlobalNetworkPolicy): number => {
  const [a, b] = [one.spec.order ?? Number.POSITIVE_INFINITY, other.spec.order ?? Number.POSITIVE_INFINITY]
  if (a !== b) return a - b
  return one.metadata.name < other.metadata.name ? -1 : one.metadata.name > other.metadata.name ? 1 : 0
}

/** Whether it has a say in a direction: missing types mean both (felix/calc/policy_sorter.go `ExtractPolicyMetadata`), and preDNAT policy has no egress. */
export const governsDirection = ({ spec }: GlobalNetworkPolicy, direction: 'ingress' | 'egress'): boolean => {
  if (direction === 'egress' && spec.preDNAT) return false
  return !spec.types?.length || spec.types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')
}

/** Whether it governs an endpoint with these labels; undefined where its selector cannot be parsed. */
export const selects = ({ spec }: GlobalNetworkPolicy, labels: Labels): boolean | undefined =>
  unlessBadSelector(() => matches(subjectSelector(spec), labels))

/** Whether a rule takes every packet that gets to it. */
export const isUnconditional = ({ action: _, ...conditions }: Rule): boolean =>
  Object.entries(conditions).every(([field, value]) => field === 'metadata' || value === undefined || isEmpty(value))

const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.values(value).every((inner) => inner === undefined)
